# How our own targets are made: flags come from targets, sources are listed.

# muster_setup(<target>): language level, warnings, sanitizers.
function(muster_setup target)
  set_target_properties(${target} PROPERTIES C_STANDARD 11 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF)
  target_compile_definitions(${target} PRIVATE _GNU_SOURCE)
  # What assertions name: a path within the project, wherever it was built.
  target_compile_options(${target} PRIVATE "-fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=")
  target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:muster_warnings>)
  target_link_libraries(${target} PUBLIC $<BUILD_INTERFACE:muster_sanitizers>)
endfunction()

# muster_add_library(<name> INCLUDE <folder>... [PRIVATE_INCLUDE <folder>...] LINK <library>... SOURCES <file>...): the
# static library muster_<name>, also known as muster::<name>. INCLUDE folders are for its users too; those that have a
# folder muster/ hold its public headers.
function(muster_add_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "INCLUDE;PRIVATE_INCLUDE;LINK;SOURCES")
  add_library(muster_${name} STATIC ${arg_SOURCES})
  add_library(muster::${name} ALIAS muster_${name})
  foreach(folder IN LISTS arg_INCLUDE)
    target_include_directories(muster_${name} PUBLIC
      "$<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/${folder}>")
    if(IS_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}/${folder}/muster")
      set_property(TARGET muster_${name} APPEND PROPERTY
        MUSTER_PUBLIC_HEADERS "${CMAKE_CURRENT_SOURCE_DIR}/${folder}/muster/")
    endif()
  endforeach()
  target_include_directories(muster_${name} PRIVATE ${arg_PRIVATE_INCLUDE})
  target_link_libraries(muster_${name} PUBLIC ${arg_LINK})
  muster_setup(muster_${name})
endfunction()

# muster_add_unit_tests(<group> FOLDER <folder> LINK <library>... [LABELS <label>...] TESTS <name>...): every
# <folder>/<name>_test.c is a program, run by ctest as unit.<group>.<name>.
function(muster_add_unit_tests group)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "FOLDER" "LINK;LABELS;TESTS")
  foreach(name IN LISTS arg_TESTS)
    string(REPLACE "." "/" output_folder "${group}")
    string(REPLACE "." "_" target "${group}_${name}_test")
    add_executable(${target} "${arg_FOLDER}/${name}_test.c")
    target_include_directories(${target} PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}/${arg_FOLDER}")
    target_link_libraries(${target} PRIVATE ${arg_LINK} PkgConfig::MUSTER_CHECK)
    muster_setup(${target})
    set_target_properties(${target} PROPERTIES
      OUTPUT_NAME ${name}_test RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/unit/${output_folder}")
    target_compile_definitions(${target} PRIVATE
      MUSTER_TEST_SOURCE_DIR="${CMAKE_CURRENT_SOURCE_DIR}/${arg_FOLDER}"
      MUSTER_TEST_BIN_DIR="${PROJECT_BINARY_DIR}/bin")
    add_test(NAME unit.${group}.${name} COMMAND ${target})
    set_tests_properties(unit.${group}.${name} PROPERTIES LABELS "unit;${arg_LABELS}" TIMEOUT 300
      ENVIRONMENT CK_DEFAULT_TIMEOUT=60) # Check's own 4 s would be up on a machine that is busy.
  endforeach()
endfunction()

# muster_collect_targets(<variable> <folder>): every target made at or below the folder.
function(muster_collect_targets variable folder)
  get_property(targets DIRECTORY "${folder}" PROPERTY BUILDSYSTEM_TARGETS)
  get_property(below DIRECTORY "${folder}" PROPERTY SUBDIRECTORIES)
  foreach(subfolder IN LISTS below)
    muster_collect_targets(more "${subfolder}")
    list(APPEND targets ${more})
  endforeach()
  set(${variable} "${targets}" PARENT_SCOPE)
endfunction()
