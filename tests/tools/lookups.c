/*
 * Looks up hosts as requested on standard input: FUNCTION HOST. Answers each request with a line: 1
 * if the lookup succeeded, otherwise 0.
 */
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static int look_up(const char *function, const char *host)
{
	struct addrinfo *list = NULL;
	struct hostent entry, *found = NULL;
	char buffer[4096];
	int code;

	if (!strcmp(function, "getaddrinfo")) {
		if (getaddrinfo(host, NULL, NULL, &list))
			return 0;
		freeaddrinfo(list);
		return 1;
	}
	if (!strcmp(function, "gethostbyname"))
		return gethostbyname(host) != NULL;
	if (!strcmp(function, "gethostbyname2"))
		return gethostbyname2(host, AF_INET) != NULL;
	if (!strcmp(function, "gethostbyname_r"))
		return !gethostbyname_r(host, &entry, buffer, sizeof(buffer), &found, &code) &&
		       found;
	return !gethostbyname2_r(host, AF_INET, &entry, buffer, sizeof(buffer), &found, &code) &&
	       found;
}

int main(void)
{
	char function[32], host[300];

	while (scanf("%31s %299s", function, host) == 2) {
		printf("%d\n", look_up(function, host));
		fflush(stdout);
	}
	return 0;
}
