# ctest's time limits lie above those that the program itself would set, also when variables are set for ctest that make
# its deadlines longer. CTEST, BUILD (where the tests are), SUITE (its program).
cmake_minimum_required(VERSION 3.20)

set(cases
  ""
  "SLOW_TEST_ENV=1"
  "CK_TIMEOUT_MULTIPLIER=2.5"
  "COMPOSE_RUNNER_HTTP_TIMEOUT_SECS=5000"
  "K8S_RUNNER_HTTP_TIMEOUT_SECS=5000"
  "K8S_RUNNER_DEPLOYMENT_TIMEOUT_SECS=5000"
  "CONSENSUS_SLOT_TIME=20"
  "CONSENSUS_SLOT_TIME=3.5,CONSENSUS_ACTIVE_SLOT_COEFF=0.05"
  "CONSENSUS_ACTIVE_SLOT_COEFF=0.01"
  "COMPOSE_RUNNER_HTTP_TIMEOUT_SECS=900,K8S_RUNNER_HTTP_TIMEOUT_SECS=900,CONSENSUS_SLOT_TIME=1,SLOW_TEST_ENV=yes")
get_filename_component(suite "${SUITE}" NAME)
string(REPLACE "_suite" "" suite "${suite}")

# program_limit(<variable> <list> <scenario>): what the program says of it.
function(program_limit variable list scenario)
  string(REGEX MATCH "(^|\n)${scenario}\t[^\n]*\ttime_limit_s=([0-9]+)" found "${list}")
  set(${variable} "${CMAKE_MATCH_2}" PARENT_SCOPE)
endfunction()

# ctest_limit(<variable> <json> <index>): the time limit of a test.
function(ctest_limit variable json index)
  string(JSON count LENGTH "${json}" tests ${index} properties)
  math(EXPR last "${count} - 1")
  foreach(at RANGE ${last})
    string(JSON name GET "${json}" tests ${index} properties ${at} name)
    if(name STREQUAL "TIMEOUT")
      string(JSON value GET "${json}" tests ${index} properties ${at} value)
      string(REGEX REPLACE "\\..*" "" value "${value}")
      set(${variable} "${value}" PARENT_SCOPE)
    endif()
  endforeach()
endfunction()

set(seen 0)
foreach(case IN LISTS cases)
  string(REPLACE "," ";" environment "${case}")
  foreach(runner local compose k8s)
    execute_process(COMMAND "${CMAKE_COMMAND}" -E env ${environment} "${SUITE}" --list --runner ${runner}
      OUTPUT_VARIABLE list COMMAND_ERROR_IS_FATAL ANY)
    execute_process(COMMAND "${CMAKE_COMMAND}" -E env ${environment} "${CTEST}" --show-only=json-v1
      -R "^${suite}[.].*[.]${runner}$" WORKING_DIRECTORY "${BUILD}" OUTPUT_VARIABLE json COMMAND_ERROR_IS_FATAL ANY)
    string(JSON count LENGTH "${json}" tests)
    math(EXPR last "${count} - 1")
    foreach(index RANGE ${last})
      string(JSON test GET "${json}" tests ${index} name)
      string(REGEX REPLACE "[.]${runner}$" "" scenario "${test}")
      program_limit(wanted "${list}" "${scenario}")
      ctest_limit(given "${json}" ${index})
      math(EXPR seen "${seen} + 1")
      if(given LESS wanted)
        message(SEND_ERROR "${test} with '${case}': ctest allows ${given} s, the program ${wanted} s")
      endif()
    endforeach()
  endforeach()
endforeach()
if(seen LESS 30)
  message(SEND_ERROR "only ${seen} limits were compared")
endif()
