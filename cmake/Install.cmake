# What `cmake --install` puts where, and the .deb that `cpack` makes of it.
include(CMakePackageConfigHelpers)

install(TARGETS fusejit EXPORT fusejitTargets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES ${FUSEJIT_STATIC_LIBRARY} DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(FILES LICENSE README.md SECURITY.md DESTINATION ${CMAKE_INSTALL_DOCDIR})

# Where Debian looks for it: LICENSE, and whose work the library has in it.
file(READ LICENSE FUSEJIT_LICENSE)
if(FUSEJIT_LLVM STREQUAL "static")
  set(FUSEJIT_LINKED "The library has parts of LLVM ${LLVM_PACKAGE_VERSION} in it, under the Apache License 2.0 with LLVM
Exceptions: https://llvm.org/LICENSE.txt
")
endif()
configure_file(cmake/copyright.in ${PROJECT_BINARY_DIR}/copyright @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/copyright DESTINATION ${CMAKE_INSTALL_DOCDIR})

# -- CMake: find_package(fusejit), target fusejit::fusejit; COMPONENTS static gives fusejit::static
set(FUSEJIT_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/fusejit)
install(EXPORT fusejitTargets NAMESPACE fusejit:: DESTINATION ${FUSEJIT_CMAKE_DIR})
configure_package_config_file(cmake/fusejitConfig.cmake.in ${PROJECT_BINARY_DIR}/fusejitConfig.cmake
  INSTALL_DESTINATION ${FUSEJIT_CMAKE_DIR} PATH_VARS CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/fusejitConfigVersion.cmake
  COMPATIBILITY SameMajorVersion)
install(FILES ${PROJECT_BINARY_DIR}/fusejitConfig.cmake ${PROJECT_BINARY_DIR}/fusejitConfigVersion.cmake
  DESTINATION ${FUSEJIT_CMAKE_DIR})

# -- pkg-config; paths relative to the file, so that the tree can be moved
file(RELATIVE_PATH FUSEJIT_PREFIX_FROM_PC /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
configure_file(cmake/fusejit.pc.in ${PROJECT_BINARY_DIR}/fusejit.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/fusejit.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

if(FUSEJIT_TOOLS)
  file(RELATIVE_PATH FUSEJIT_LIB_FROM_BIN /prefix/${CMAKE_INSTALL_BINDIR} /prefix/${CMAKE_INSTALL_LIBDIR})
  set_target_properties(fusejit_program PROPERTIES INSTALL_RPATH "$ORIGIN/${FUSEJIT_LIB_FROM_BIN}")
  install(TARGETS fusejit_program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  install(FILES docs/fusejit.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
  install(FILES ${FUSEJIT_COMPLETIONS}/bash
    DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME fusejit)
  install(FILES ${FUSEJIT_COMPLETIONS}/zsh
    DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions RENAME _fusejit)
  install(FILES ${FUSEJIT_COMPLETIONS}/fish
    DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d RENAME fusejit.fish)
endif()

# -- cpack: what is installed, under /usr
set(CPACK_PACKAGE_NAME fusejit)
# As Debian's own tools do, whoever packs says who they are; .invalid names nobody (RFC 2606).
set(FUSEJIT_MAINTAINER "the fusejit authors <authors@fusejit.invalid>")
if(DEFINED ENV{DEBEMAIL})
  set(FUSEJIT_MAINTAINER "$ENV{DEBEMAIL}")
  if(DEFINED ENV{DEBFULLNAME} AND NOT FUSEJIT_MAINTAINER MATCHES "<")
    set(FUSEJIT_MAINTAINER "$ENV{DEBFULLNAME} <${FUSEJIT_MAINTAINER}>")
  endif()
endif()
set(CPACK_PACKAGE_CONTACT "${FUSEJIT_MAINTAINER}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "formulas and small neural networks, compiled at run time")
set(CPACK_PACKAGE_DESCRIPTION
  "A C library that compiles functions of a small array language to native SIMD code\n and runs them over \
strided arrays, with gradients and training, and its program.")
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_GENERATOR DEB)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS libopenblas0-pthread)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS gnuplot-nox)
include(CPack)
