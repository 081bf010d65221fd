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

# Only the adapter for Logos nodes and its node program need these two.
if(NOT DEFINED MUSTER_LOGOS)
  pkg_check_modules(MUSTER_MICROHTTPD QUIET libmicrohttpd)
  pkg_check_modules(MUSTER_SODIUM QUIET libsodium)
  if(MUSTER_MICROHTTPD_FOUND AND MUSTER_SODIUM_FOUND)
    set(logos_default ON)
  else()
    set(logos_default OFF)
    message(STATUS "MUSTER_LOGOS is OFF: it needs the Debian packages libmicrohttpd-dev and libsodium-dev")
  endif()
endif()
option(MUSTER_LOGOS "Build muster::logos and muster-devnode; needs libsodium and libmicrohttpd" ${logos_default})
if(MUSTER_LOGOS)
  muster_find_package(MUSTER_MICROHTTPD libmicrohttpd libmicrohttpd-dev)
  muster_find_package(MUSTER_SODIUM libsodium libsodium-dev)
endif()

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
