"""Sends data through a TLS library as requested on standard input, and answers each request with a line.

Each request is a JSON object: the library, and the data to send. Both ends of the connection are in
this process, joined by a pair of sockets.
"""
import ctypes
import json
import os
import socket
import ssl
import sys
import tempfile
import threading


class OpenSsl:
    """A session of Python's ssl module, which uses OpenSSL."""

    def __init__(self, certificate):
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(certificate)
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.check_hostname = False
        client.verify_mode = ssl.CERT_NONE
        ends = socket.socketpair()
        self.server = server.wrap_socket(ends[0], server_side=True, do_handshake_on_connect=False)
        self.client = client.wrap_socket(ends[1], do_handshake_on_connect=False)
        thread = threading.Thread(target=self.server.do_handshake)
        thread.start()
        self.client.do_handshake()
        thread.join()

    def send(self, data):
        """Sends from client to server; returns what arrives."""
        thread = threading.Thread(target=self.client.sendall, args=(data,))
        thread.start()
        arrived = b""
        while len(arrived) < len(data):
            arrived += self.server.recv(65536)
        thread.join()
        return arrived


class GnuTls:
    """A session without certificates."""

    PRIORITY = b"NORMAL:-VERS-ALL:+VERS-TLS1.2:+ANON-ECDH"
    SERVER, CLIENT, ANONYMOUS = 1, 2, 2

    def __init__(self, certificate):
        self.library = ctypes.CDLL("libgnutls.so.30")
        self.library.gnutls_record_send.restype = ctypes.c_ssize_t
        self.library.gnutls_record_recv.restype = ctypes.c_ssize_t
        self.ends = socket.socketpair()
        self.server = self.session(self.SERVER, "server", self.ends[0])
        self.client = self.session(self.CLIENT, "client", self.ends[1])
        thread = threading.Thread(target=self.handshake, args=(self.server,))
        thread.start()
        self.handshake(self.client)
        thread.join()

    def check(self, code):
        assert code >= 0, code
        return code

    def session(self, flags, side, socket_end):
        session, credentials = ctypes.c_void_p(), ctypes.c_void_p()
        allocate = getattr(self.library, f"gnutls_anon_allocate_{side}_credentials")
        self.check(allocate(ctypes.byref(credentials)))
        self.check(self.library.gnutls_init(ctypes.byref(session), flags))
        self.check(self.library.gnutls_priority_set_direct(session, self.PRIORITY, None))
        self.check(self.library.gnutls_credentials_set(session, self.ANONYMOUS, credentials))
        self.library.gnutls_transport_set_int2(session, socket_end.fileno(), socket_end.fileno())
        return session

    def handshake(self, session):
        self.check(self.library.gnutls_handshake(session))

    def send(self, data):
        """Sends from client to server; returns what arrives."""
        self.check(self.library.gnutls_record_send(self.client, data, ctypes.c_size_t(len(data))))
        buffer = ctypes.create_string_buffer(65536)
        size = self.check(self.library.gnutls_record_recv(self.server, buffer,
                                                          ctypes.c_size_t(len(buffer))))
        return buffer.raw[:size]


class Nspr:
    """Files of NSPR, the library that NSS is built on."""

    def __init__(self, certificate):
        self.library = ctypes.CDLL("libnspr4.so")
        self.library.PR_Open.restype = ctypes.c_void_p

    def send(self, data):
        """Writes to a file and reads it; returns what was read."""
        with tempfile.NamedTemporaryFile() as file:
            handle = ctypes.c_void_p(self.library.PR_Open(file.name.encode(), 0x04, 0o600))
            assert self.library.PR_Write(handle, data, len(data)) == len(data)
            self.library.PR_Seek(handle, 0, 0)
            buffer = ctypes.create_string_buffer(65536)
            size = self.library.PR_Read(handle, buffer, len(buffer))
            self.library.PR_Close(handle)
            return buffer.raw[:size]


def main():
    kinds = {"openssl": OpenSsl, "gnutls": GnuTls, "nss": Nspr}
    sessions = {}
    for line in sys.stdin:
        request = json.loads(line)
        if request["library"] not in sessions or request.get("fresh"):
            sessions[request["library"]] = kinds[request["library"]](sys.argv[1])
        data = bytes.fromhex(request["data"])
        arrived = sessions[request["library"]].send(data) if data else b""
        print(json.dumps(arrived == data), flush=True)


if __name__ == "__main__":
    assert os.path.exists(sys.argv[1])
    main()
