# The libraries muster stands on, each with the Debian package that has it.

find_package(PkgConfig)
if(NOT PKG_CONFIG_FOUND)
  message(FATAL_ERROR "pkg-config was not found: install the Debian package pkg-config")
endif()

function(muster_find_package prefix module debian_package)
  pkg_check_modules(${prefix} IMPORTED_TARGET GLOBAL ${module})
  if(NOT ${prefix}_FOUND)
    message(FATAL_ERROR "${module} was not found: install the Debian package ${debian_package}")
  endif()
endfunction()

muster_find_package(MUSTER_CHECK check check)
muster_find_package(MUSTER_CURL libcurl libcurl4-openssl-dev)
muster_find_package(MUSTER_JANSSON jansson libjansson-dev)
muster_find_package(MUSTER_MICROHTTPD libmicrohttpd libmicrohttpd-dev)
muster_find_package(MUSTER_SODIUM libsodium libsodium-dev)

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
