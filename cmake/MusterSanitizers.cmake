# MUSTER_SANITIZE=address,undefined or thread: instruments all of muster, and what links it.

set(MUSTER_SANITIZE "" CACHE STRING "Sanitizers, comma-separated: address,undefined or thread")

add_library(muster_sanitizers INTERFACE)
if(MUSTER_SANITIZE)
  if(NOT MUSTER_SANITIZE MATCHES "^((address|undefined|leak)(,(address|undefined|leak))*|thread)$")
    message(FATAL_ERROR "MUSTER_SANITIZE='${MUSTER_SANITIZE}': use address,undefined or thread")
  endif()
  set(muster_sanitize_flags -fsanitize=${MUSTER_SANITIZE} -fno-omit-frame-pointer)
  if(MUSTER_SANITIZE MATCHES "undefined")
    list(APPEND muster_sanitize_flags -fno-sanitize-recover=undefined)
  endif()
  target_compile_options(muster_sanitizers INTERFACE ${muster_sanitize_flags})
  target_link_options(muster_sanitizers INTERFACE ${muster_sanitize_flags})
endif()
