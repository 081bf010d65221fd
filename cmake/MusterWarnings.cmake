# The warnings our own code is clean under, as a target that our targets link privately, so that a
# project which uses muster keeps its own.

option(MUSTER_WERROR "Treat warnings as errors" OFF)

add_library(muster_warnings INTERFACE)
target_compile_options(muster_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wconversion
  -Wno-sign-conversion -Wformat=2 -Wundef -Wvla -Wpointer-arith -Wcast-qual
  $<$<BOOL:${MUSTER_WERROR}>:-Werror>)
