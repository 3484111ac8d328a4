# Compiler flags and third-party libraries, all from Debian packages and linked dynamically so that
# the distribution's security updates reach us.

add_library(deployclaw_options INTERFACE)
target_compile_options(deployclaw_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor
  -Wold-style-cast -Wimplicit-fallthrough -Werror -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports false positives inside libstdc++ and Boost for these.
  target_compile_options(deployclaw_options INTERFACE
    -Wno-maybe-uninitialized -Wno-dangling-pointer -Wno-stringop-overflow -Wno-array-bounds
    -Wno-restrict -Wno-stringop-overread -Wno-free-nonheap-object -Wno-mismatched-new-delete
    -Wno-dangling-else)  # the last: EXPECT_… behind an if without braces
endif()
target_compile_definitions(deployclaw_options INTERFACE
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_NO_TS_EXECUTORS
  BOOST_BEAST_SEPARATE_COMPILATION
  SPDLOG_FMT_EXTERNAL SPDLOG_COMPILED_LIB)
if(NOT CMAKE_BUILD_TYPE STREQUAL "Debug" AND NOT DEPLOYCLAW_SANITIZE)
  target_compile_definitions(deployclaw_options INTERFACE _FORTIFY_SOURCE=2)
endif()
target_compile_options(deployclaw_options INTERFACE -fstack-protector-strong)
target_link_options(deployclaw_options INTERFACE -Wl,-z,relro,-z,now)

if(DEPLOYCLAW_SANITIZE)
  target_compile_options(deployclaw_options INTERFACE
    -fsanitize=${DEPLOYCLAW_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(deployclaw_options INTERFACE -fsanitize=${DEPLOYCLAW_SANITIZE})
endif()

find_program(MOLD mold)
if(MOLD AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_link_options(deployclaw_options INTERFACE -fuse-ld=mold)
endif()

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(ZLIB REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json url system)
find_package(GTest REQUIRED)
pkg_check_modules(PQ REQUIRED IMPORTED_TARGET libpq)
pkg_check_modules(NFTABLES REQUIRED IMPORTED_TARGET libnftables)
pkg_check_modules(MNL REQUIRED IMPORTED_TARGET libmnl)
pkg_check_modules(CARES REQUIRED IMPORTED_TARGET libcares)
pkg_check_modules(SECCOMP REQUIRED IMPORTED_TARGET libseccomp)
pkg_check_modules(DEFLATE REQUIRED IMPORTED_TARGET libdeflate)
pkg_check_modules(BROTLI_ENCODER REQUIRED IMPORTED_TARGET libbrotlienc)
