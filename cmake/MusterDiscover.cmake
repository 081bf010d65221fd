# Run by the build: asks a suite program for its scenarios (--list) and writes them down for ctest.
# PROGRAM, RUNNERS, NODE_CONTROL, ENVIRONMENT, IMAGE_FIXTURE, NODE_PROGRAMS, OUTPUT as muster_add_suite() gave
# them.

cmake_minimum_required(VERSION 3.20)

# What the list says must not depend on who builds: ctest stretches the time limits when it runs.
set(neutral)
foreach(variable SLOW_TEST_ENV CK_TIMEOUT_MULTIPLIER CONSENSUS_SLOT_TIME CONSENSUS_ACTIVE_SLOT_COEFF
        LOGOS_BLOCKCHAIN_DEMO_NODES LOGOS_BLOCKCHAIN_DEMO_RUN_SECS COMPOSE_RUNNER_HTTP_TIMEOUT_SECS
        K8S_RUNNER_HTTP_TIMEOUT_SECS K8S_RUNNER_DEPLOYMENT_TIMEOUT_SECS)
  list(APPEND neutral --unset=${variable})
endforeach()

# field(<variable> <line> <name>): what follows name= in a line of --list.
function(field variable line name)
  string(REGEX MATCH "\t${name}=([^\t]*)" found "${line}")
  set(${variable} "${CMAKE_MATCH_1}" PARENT_SCOPE)
endfunction()

function(describe variable line runner)
  if(NOT line MATCHES "^(([a-z0-9_]+)\\.([a-z0-9_]+))\ttags=")
    message(FATAL_ERROR "${PROGRAM} --list: line not understood: ${line}")
  endif()
  set(full "${CMAKE_MATCH_1}")
  set(suite "${CMAKE_MATCH_2}")
  set(case "${CMAKE_MATCH_3}")
  field(tags "${line}" tags)
  field(limit "${line}" time_limit_s)
  field(processors "${line}" processors)
  field(needs "${line}" needs)
  string(REPLACE "," ";" tags "${tags}")
  set(labels ${runner} ${tags} ${suite})
  list(REMOVE_DUPLICATES labels)
  set(environment ${ENVIRONMENT} "MUSTER_RUNNER=${runner}" "CK_RUN_CASE=${case}")
  if(NODE_CONTROL AND runner STREQUAL "local" AND needs MATCHES "node_control")
    list(APPEND environment "LOCAL_RUNNER_NODE_CONTROL=1")
  endif()
  set(fixture)
  if(IMAGE_FIXTURE AND NOT runner MATCHES "^(local|host|external)$")
    set(fixture "FIXTURES_REQUIRED ${IMAGE_FIXTURE}")
  endif()
  set(modification)
  if(NODE_PROGRAMS)
    set(modification "ENVIRONMENT_MODIFICATION [==[PATH=path_list_append:${NODE_PROGRAMS}]==]")
  endif()
  set(${variable} "math(EXPR limit \"(${limit} + \${extra}) * \${stretch}\")
add_test([==[${full}.${runner}]==] [==[${PROGRAM}]==])
set_tests_properties([==[${full}.${runner}]==] PROPERTIES LABELS [==[${labels}]==] TIMEOUT \${limit}
  PROCESSORS ${processors} SKIP_RETURN_CODE 77 ENVIRONMENT [==[${environment}]==] ${fixture}
  ${modification})
" PARENT_SCOPE)
endfunction()

set(text [==[
set(stretch 1)
if("$ENV{CK_TIMEOUT_MULTIPLIER}" MATCHES "^([0-9]+)(\\.[0-9]*)?$")
  math(EXPR stretch "${CMAKE_MATCH_1} + 1")
endif()
if("$ENV{SLOW_TEST_ENV}" MATCHES "^(1|[Tt][Rr][Uu][Ee]|[Yy][Ee][Ss]|[Oo][Nn])$")
  math(EXPR stretch "${stretch} * 2")
endif()
# What deadlines may grow by when these are set: by each of those up to three times, by some 50 block intervals.
set(extra 0)
foreach(variable COMPOSE_RUNNER_HTTP_TIMEOUT_SECS K8S_RUNNER_HTTP_TIMEOUT_SECS K8S_RUNNER_DEPLOYMENT_TIMEOUT_SECS
        LOGOS_BLOCKCHAIN_DEMO_RUN_SECS)
  if("$ENV{${variable}}" MATCHES "^[0-9]+$")
    math(EXPR extra "${extra} + 3 * $ENV{${variable}}")
  endif()
endforeach()
if(NOT "$ENV{CONSENSUS_SLOT_TIME}$ENV{CONSENSUS_ACTIVE_SLOT_COEFF}" STREQUAL "")
  set(slot_s 3) # Both are rounded up; where only one is given, the other is a scenario's own.
  if("$ENV{CONSENSUS_SLOT_TIME}" MATCHES "^0*([1-9][0-9]*)")
    math(EXPR slot_s "${CMAKE_MATCH_1} + 1")
  elseif(NOT "$ENV{CONSENSUS_SLOT_TIME}" STREQUAL "")
    set(slot_s 1)
  endif()
  set(slots_per_block 10)
  if("$ENV{CONSENSUS_ACTIVE_SLOT_COEFF}" MATCHES "^0*\\.([0-9]+)$")
    string(SUBSTRING "${CMAKE_MATCH_1}000" 0 3 thousandths)
    string(REGEX REPLACE "^0+" "" thousandths "${thousandths}")
    if(NOT thousandths)
      set(thousandths 1)
    endif()
    math(EXPR slots_per_block "1000 / ${thousandths} + 1")
  endif()
  math(EXPR extra "${extra} + 50 * ${slot_s} * ${slots_per_block}")
endif()
]==])

foreach(runner IN LISTS RUNNERS)
  execute_process(COMMAND "${CMAKE_COMMAND}" -E env ${neutral} ${ENVIRONMENT} "${PROGRAM}" --list --runner ${runner}
    OUTPUT_VARIABLE list ERROR_VARIABLE complaint RESULT_VARIABLE code TIMEOUT 300)
  if(NOT code STREQUAL "0")
    message(FATAL_ERROR "${PROGRAM} --list --runner ${runner}: exit code ${code}\n${complaint}")
  endif()
  string(REGEX REPLACE "\n$" "" list "${list}")
  string(REPLACE "\n" ";" lines "${list}")
  foreach(line IN LISTS lines)
    describe(test "${line}" "${runner}")
    string(APPEND text "${test}")
  endforeach()
endforeach()
file(WRITE "${OUTPUT}" "${text}")
