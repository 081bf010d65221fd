# What `cmake --install` puts in place: headers, static libraries, programs, and the ways to find them, a CMake
# package and a pkg-config module. All of it may be moved as a whole afterwards.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# Programs that adapters run as nodes; nobody calls them by hand.
set(MUSTER_NODE_PROGRAMS_DIR "${CMAKE_INSTALL_LIBEXECDIR}/muster")
GNUInstallDirs_get_absolute_install_dir(MUSTER_FULL_NODE_PROGRAMS_DIR MUSTER_NODE_PROGRAMS_DIR LIBEXECDIR)

# muster_collect_modules(<variable> <library>...): "prefix=module" of the pkg-config modules, as MusterPackages.cmake
# found them, that the libraries are linked with.
function(muster_collect_modules variable)
  set(modules)
  foreach(name IN LISTS ARGN)
    get_target_property(links muster_${name} INTERFACE_LINK_LIBRARIES)
    list(FILTER links INCLUDE REGEX "^PkgConfig::")
    list(TRANSFORM links REPLACE "^PkgConfig::(.*)$" "\\1")
    foreach(prefix IN LISTS links)
      list(APPEND modules "${prefix}=${${prefix}_MODULE_NAME}")
    endforeach()
  endforeach()
  list(REMOVE_DUPLICATES modules)
  set(${variable} "${modules}" PARENT_SCOPE)
endfunction()

function(muster_install_library name)
  get_target_property(headers muster_${name} MUSTER_PUBLIC_HEADERS)
  if(NOT headers)
    message(FATAL_ERROR "muster_install: muster_${name} has no public header; "
      "put it into a folder include/muster and give include to muster_add_library(INCLUDE)")
  endif()
  set_target_properties(muster_${name} PROPERTIES EXPORT_NAME ${name})
  install(TARGETS muster_${name} EXPORT muster ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
    INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
  install(DIRECTORY ${headers} DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/muster"
    FILES_MATCHING PATTERN "*.h" PATTERN "*.def")
endfunction()

function(muster_install_cmake_package modules)
  set(folder "${CMAKE_INSTALL_LIBDIR}/cmake/muster")
  configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/musterConfig.cmake.in" musterConfig.cmake
    INSTALL_DESTINATION "${folder}" PATH_VARS MUSTER_NODE_PROGRAMS_DIR)
  write_basic_package_version_file(musterConfigVersion.cmake COMPATIBILITY SameMinorVersion)
  install(EXPORT muster FILE musterTargets.cmake NAMESPACE muster:: DESTINATION "${folder}")
  install(FILES "${CMAKE_CURRENT_BINARY_DIR}/musterConfig.cmake"
    "${CMAKE_CURRENT_BINARY_DIR}/musterConfigVersion.cmake" "${PROJECT_SOURCE_DIR}/cmake/MusterScenarios.cmake"
    "${PROJECT_SOURCE_DIR}/cmake/MusterDiscover.cmake" DESTINATION "${folder}")
endfunction()

# Folders are told relative to the file's own place, so that pkg-config finds them wherever it lies.
function(muster_install_pkg_config modules archives)
  set(from "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig")
  file(RELATIVE_PATH pc_libdir "${from}" "${CMAKE_INSTALL_FULL_LIBDIR}")
  file(RELATIVE_PATH pc_includedir "${from}" "${CMAKE_INSTALL_FULL_INCLUDEDIR}")
  file(RELATIVE_PATH pc_node_programs "${from}" "${MUSTER_FULL_NODE_PROGRAMS_DIR}")
  list(TRANSFORM modules REPLACE "^.*=" "")
  list(JOIN modules " " pc_requires)
  list(TRANSFORM archives PREPEND "-l")
  list(JOIN archives " " pc_archives)
  configure_file("${PROJECT_SOURCE_DIR}/cmake/muster.pc.in" muster.pc @ONLY)
  install(FILES "${CMAKE_CURRENT_BINARY_DIR}/muster.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
endfunction()

# muster_install(LIBRARIES <name>... INTERFACES <name>... PROGRAMS <target>... NODE_PROGRAMS <target>...): libraries are
# those of muster_add_library(), each after the ones that it stands on; of those that have a default for the same
# function, the last one's is taken. Interfaces are names for several libraries.
function(muster_install)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "" "LIBRARIES;INTERFACES;PROGRAMS;NODE_PROGRAMS")
  set(archives)
  foreach(name IN LISTS arg_LIBRARIES)
    muster_install_library(${name})
    get_target_property(archive muster_${name} OUTPUT_NAME)
    if(NOT archive)
      set(archive muster_${name})
    endif()
    list(PREPEND archives ${archive})
  endforeach()
  foreach(name IN LISTS arg_INTERFACES)
    set_target_properties(muster_${name} PROPERTIES EXPORT_NAME ${name})
    install(TARGETS muster_${name} EXPORT muster)
  endforeach()
  install(TARGETS ${arg_PROGRAMS} RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
  if(arg_NODE_PROGRAMS)
    install(TARGETS ${arg_NODE_PROGRAMS} RUNTIME DESTINATION "${MUSTER_NODE_PROGRAMS_DIR}")
  endif()
  muster_collect_modules(modules ${arg_LIBRARIES})
  muster_install_cmake_package("${modules}")
  muster_install_pkg_config("${modules}" "${archives}")
endfunction()
