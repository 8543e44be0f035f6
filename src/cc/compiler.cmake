# SPDX-License-Identifier: Apache-2.0
# Stages 3 and 4: the compiler library, the helper process around it, and the core's side of the pipe.

set(EBCC_LLVM_VERSION 19 CACHE STRING "The major version of LLVM and clang to build with")
find_program(EBCC_LLVM_CONFIG NAMES llvm-config-${EBCC_LLVM_VERSION} REQUIRED)
foreach(what includedir libdir)
  execute_process(COMMAND ${EBCC_LLVM_CONFIG} --${what}
    OUTPUT_VARIABLE llvm_${what} OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
endforeach()

# The dialect's headers as data.
add_executable(embed_headers embed_headers.c)
target_include_directories(embed_headers PRIVATE ${XXHASH_INCLUDE_DIRS})
file(GLOB_RECURSE bpf_headers CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/bpf/*.h)
find_file(EBCC_BPF_HELPER_DEFS bpf/bpf_helper_defs.h HINTS ${LIBBPF_INCLUDE_DIRS} REQUIRED)
set(embed_arguments)
foreach(header ${bpf_headers})
  file(RELATIVE_PATH name ${CMAKE_CURRENT_SOURCE_DIR}/bpf ${header})
  if(name MATCHES "^std/")
    list(APPEND embed_arguments /ebcc-virtual/${name} ${header})
  else()
    list(APPEND embed_arguments /ebcc-virtual/dialect/${name} ${header})
  endif()
endforeach()
add_custom_command(OUTPUT embedded_headers.c
  COMMAND embed_headers embedded_headers.c ${embed_arguments}
    --helpers /ebcc-virtual/dialect/ebcc/helper_defs.h ${EBCC_BPF_HELPER_DEFS}
  DEPENDS embed_headers ${bpf_headers} ${EBCC_BPF_HELPER_DEFS}
  VERBATIM)

# Both sides of the pipe.
add_library(ebcc_protocol STATIC compiler_answer.c compiler_protocol.c)
target_link_libraries(ebcc_protocol PUBLIC ebcc_base)
target_include_directories(ebcc_protocol PRIVATE ${XXHASH_INCLUDE_DIRS})

# The passes, on LLVM-C alone: no C++, no clang.
add_library(ebcc_ir STATIC
  ir.c
  ir_addresses.c
  ir_arguments.c
  ir_assembler.c
  ir_events.c
  ir_headers.c
  ir_inline.c
  ir_library.c
  ir_maps.c
  ir_markers.c
  ir_packets.c
  ir_reads.c
  ir_sections.c
  ir_stack.c
  ir_tables.c
  ir_util.c
)
target_link_libraries(ebcc_ir PUBLIC ebcc_base)
target_include_directories(ebcc_ir SYSTEM PUBLIC ${llvm_includedir})
# What their tests run on.
add_library(ebcc_llvm INTERFACE)
target_link_libraries(ebcc_llvm INTERFACE -L${llvm_libdir} LLVM-${EBCC_LLVM_VERSION})

add_library(ebcc_compiler OBJECT
  clang_shim.cc
  compiler.c
  compiler_diagnostic.c
  compiler_listing.c
  compiler_flags.c
  compiler_helpers.c
  ${CMAKE_CURRENT_BINARY_DIR}/embedded_headers.c
)
target_link_libraries(ebcc_compiler PUBLIC ebcc_base)
target_include_directories(ebcc_compiler SYSTEM PUBLIC ${llvm_includedir} ${XXHASH_INCLUDE_DIRS})
target_compile_options(ebcc_compiler PRIVATE
  "$<$<COMPILE_LANGUAGE:CXX>:-fno-rtti;-fno-exceptions;-g0>")
target_compile_definitions(ebcc_compiler PRIVATE
  $<$<COMPILE_LANGUAGE:CXX>:__STDC_CONSTANT_MACROS;__STDC_LIMIT_MACROS;__STDC_FORMAT_MACROS>)

# The helper: LLVM's archives for the BPF target only. It starts in a third of the time that
# the shared libraries need.
set(ebcc_clang_archives clangFrontend clangCodeGen clangDriver clangSerialization clangParse clangSema
  clangAPINotes clangEdit clangAnalysis clangASTMatchers clangAST clangLex clangBasic clangSupport)
list(TRANSFORM ebcc_clang_archives PREPEND ${llvm_libdir}/lib)
list(TRANSFORM ebcc_clang_archives APPEND .a)
execute_process(
  COMMAND ${EBCC_LLVM_CONFIG} --link-static --libfiles
    bpf passes option frontendopenmp frontendhlsl frontendoffloading frontenddriver lto windowsdriver
    coverage irreader bitwriter linker
  OUTPUT_VARIABLE ebcc_llvm_archives OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
separate_arguments(ebcc_llvm_archives)
add_library(ebcc_confine STATIC confine.c)
target_link_libraries(ebcc_confine PUBLIC ebcc_base)
add_executable(ebcc-cc ebcc_cc.c $<TARGET_OBJECTS:ebcc_compiler>)
target_link_libraries(ebcc-cc PRIVATE ebcc_ir ebcc_protocol ebcc_confine
  -Wl,--start-group ${ebcc_clang_archives} ${ebcc_llvm_archives} -Wl,--end-group
  -Wl,--as-needed z zstd dl m pthread)
target_link_options(ebcc-cc PRIVATE -no-pie -static-libstdc++ -static-libgcc -Wl,--gc-sections -s)
set_target_properties(ebcc-cc PROPERTIES LINKER_LANGUAGE CXX)
install(TARGETS ebcc-cc RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/ebcc)

# The same library for compiling in process, on the shared libraries of LLVM and clang.
add_library(ebcc-compiler SHARED $<TARGET_OBJECTS:ebcc_compiler>)
file(GLOB ebcc_clang_library ${llvm_libdir}/libclang-cpp.so.${EBCC_LLVM_VERSION}*)
target_link_libraries(ebcc-compiler PRIVATE ebcc_ir ebcc_protocol ${ebcc_clang_library}
  -L${llvm_libdir} LLVM-${EBCC_LLVM_VERSION})
target_link_options(ebcc-compiler PRIVATE
  -Wl,--version-script=${CMAKE_CURRENT_SOURCE_DIR}/compiler.map -Wl,--no-undefined)
set_target_properties(ebcc-compiler PROPERTIES
  VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR} LINKER_LANGUAGE CXX
  LINK_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/compiler.map)
install(TARGETS ebcc-compiler LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} NAMELINK_SKIP)

# The core's side.
file(RELATIVE_PATH ebcc_libexec_from_lib
  ${CMAKE_INSTALL_FULL_LIBDIR} ${CMAKE_INSTALL_FULL_LIBEXECDIR}/ebcc)
add_library(ebcc_compiler_client STATIC compiler_client.c)
target_compile_definitions(ebcc_compiler_client PRIVATE
  EBCC_LIBEXEC_FROM_LIB="${ebcc_libexec_from_lib}"
  EBCC_COMPILER_SONAME="libebcc-compiler.so.${PROJECT_VERSION_MAJOR}")
target_link_libraries(ebcc_compiler_client PUBLIC ebcc_protocol)
