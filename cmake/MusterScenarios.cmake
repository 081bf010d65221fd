# muster_add_suite(<name> SOURCES <file>... RUNNERS <runner>... [NODE_CONTROL] [ENVIRONMENT <NAME=value>...]
#                  [SYSTEM <library>] [LINK_LIBRARIES <library>...] [IMAGE_FIXTURE <fixture>])
#
# Builds the program <name>_suite, asks it for its scenarios once it is built, and registers each one on each
# runner as a ctest test <suite>.<scenario>.<runner>, with
#   LABELS            the runner, the scenario's tags and the suite: ctest -L local, -L smoke
#   TIMEOUT           above the run's own deadlines, which report first; stretched by SLOW_TEST_ENV and
#                     CK_TIMEOUT_MULTIPLIER as ctest finds them
#   PROCESSORS        what the scenario asks for, for ctest -j
#   SKIP_RETURN_CODE  77: a backend that is absent shows as skipped
# SYSTEM is the library of the kind of node that scenarios are for, which defines muster_default_system(); without it
# they are for nodes that speak the Logos API.
# IMAGE_FIXTURE names the ctest fixture that makes the container image, required by the tests of all runners but
# local and external.
# NODE_CONTROL sets LOCAL_RUNNER_NODE_CONTROL=1 for local scenarios that need node control; without it they
# are skipped there, as by default the local runner has none.
# Where muster is installed, ctest appends the folder of its node programs to PATH, which a moved installation needs.
# A runner that the program does not know is an error of the build.

set(MUSTER_SCENARIOS_DIR "${CMAKE_CURRENT_LIST_DIR}" CACHE INTERNAL "Where muster's CMake scripts are")

function(muster_add_suite name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "NODE_CONTROL" "IMAGE_FIXTURE;SYSTEM" "SOURCES;RUNNERS;ENVIRONMENT;LINK_LIBRARIES")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "muster_add_suite(${name}): unknown argument '${arg_UNPARSED_ARGUMENTS}'")
  endif()
  if(NOT arg_SOURCES OR NOT arg_RUNNERS)
    message(FATAL_ERROR "muster_add_suite(${name}): SOURCES and RUNNERS are needed")
  endif()
  set(program ${name}_suite)
  add_executable(${program} ${arg_SOURCES})
  if(arg_SYSTEM)
    target_link_libraries(${program} PRIVATE muster::glue ${arg_SYSTEM} ${arg_LINK_LIBRARIES})
  elseif(NOT TARGET muster::check)
    message(FATAL_ERROR "muster_add_suite(${name}): this muster was built without Logos nodes; give SYSTEM, "
      "or build muster with -D MUSTER_LOGOS=ON")
  else()
    target_link_libraries(${program} PRIVATE muster::check ${arg_LINK_LIBRARIES})
    if(TARGET muster-devnode)
      add_dependencies(${program} muster-devnode)
    endif()
  endif()
  muster_discover_scenarios(${program} "${arg_RUNNERS}" "${arg_NODE_CONTROL}" "${arg_ENVIRONMENT}"
    "${arg_IMAGE_FIXTURE}")
endfunction()

# ctest reads the list that the build wrote; before that, one test says that there is none.
function(muster_discover_scenarios program runners node_control environment image_fixture)
  set(tests "${CMAKE_CURRENT_BINARY_DIR}/${program}_tests.cmake")
  set(include "${CMAKE_CURRENT_BINARY_DIR}/${program}_include.cmake")
  add_custom_command(TARGET ${program} POST_BUILD BYPRODUCTS "${tests}"
    COMMAND "${CMAKE_COMMAND}" -D "PROGRAM=$<TARGET_FILE:${program}>" -D "RUNNERS=${runners}"
            -D "NODE_CONTROL=${node_control}" -D "ENVIRONMENT=${environment}" -D "IMAGE_FIXTURE=${image_fixture}"
            -D "NODE_PROGRAMS=${MUSTER_NODE_PROGRAMS}" -D "OUTPUT=${tests}"
            -P "${MUSTER_SCENARIOS_DIR}/MusterDiscover.cmake"
    COMMENT "Asking ${program} for its scenarios" VERBATIM)
  set_property(TARGET ${program} APPEND PROPERTY LINK_DEPENDS "${MUSTER_SCENARIOS_DIR}/MusterDiscover.cmake")
  file(WRITE "${include}"
    "if(EXISTS \"${tests}\")\n  include(\"${tests}\")\nelse()\n"
    "  add_test(${program}_NOT_BUILT ${program}_NOT_BUILT)\nendif()\n")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES "${include}")
endfunction()
