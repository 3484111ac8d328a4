# deployclaw_module(NAME base LINKS http db ... LIBRARIES OpenSSL::Crypto ...)
#
# A folder is a module: every *.cpp in it (and in its subfolders) is the library
# deployclaw_<name> (but what is in testing/, which is deployclaw_<name>_testing), every *_test.cpp its test program <name>_test, every x_fuzz.cpp a libFuzzer
# program (preset fuzz). LINKS names modules above it in the ladder; anything else is an error.
set_property(GLOBAL PROPERTY DEPLOYCLAW_MODULES "")
# These three build on everything above them and never on one another.
set(DEPLOYCLAW_TOP_MODULES api orchestrator egress)

function(deployclaw_module)
  cmake_parse_arguments(M "" "NAME" "LINKS;LIBRARIES;TEST_LINKS;TEST_LIBRARIES" ${ARGN})
  set(target deployclaw_${M_NAME})
  get_property(above GLOBAL PROPERTY DEPLOYCLAW_MODULES)
  foreach(link ${M_LINKS})
    if(NOT link IN_LIST above)
      message(FATAL_ERROR "layer break: module '${M_NAME}' links '${link}', which is not above it")
    endif()
    if(link IN_LIST DEPLOYCLAW_TOP_MODULES AND NOT M_NAME STREQUAL "app")
      message(FATAL_ERROR "layer break: only app may link '${link}'")
    endif()
  endforeach()
  set_property(GLOBAL APPEND PROPERTY DEPLOYCLAW_MODULES ${M_NAME})

  file(GLOB_RECURSE sources CONFIGURE_DEPENDS *.cpp)
  set(tests ${sources})
  set(fuzzers ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "(_test|_fuzz|/main)\\.cpp$")
  set(testing ${sources})
  list(FILTER testing INCLUDE REGEX "/testing/")
  list(FILTER sources EXCLUDE REGEX "/testing/")

  list(TRANSFORM M_LINKS PREPEND deployclaw_ OUTPUT_VARIABLE link_targets)
  if(sources)
    add_library(${target} STATIC ${sources})
    target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR}/src)
    target_link_libraries(${target} PUBLIC deployclaw_options ${link_targets} ${M_LIBRARIES})
  else()
    add_library(${target} INTERFACE)
    target_include_directories(${target} INTERFACE ${PROJECT_SOURCE_DIR}/src)
    target_link_libraries(${target} INTERFACE deployclaw_options ${link_targets} ${M_LIBRARIES})
  endif()

  # Fakes and fixtures: for tests only, never in the product. They may use those of modules above.
  set(testing_targets "")
  foreach(link ${M_LINKS})
    if(TARGET deployclaw_${link}_testing)
      list(APPEND testing_targets deployclaw_${link}_testing)
    endif()
  endforeach()
  if(testing AND NOT DEPLOYCLAW_FUZZ)
    add_library(${target}_testing STATIC EXCLUDE_FROM_ALL ${testing})
    target_link_libraries(${target}_testing PUBLIC
      ${target} ${testing_targets} ${M_TEST_LIBRARIES} GTest::gmock)
    target_compile_definitions(${target}_testing PRIVATE
      DEPLOYCLAW_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    list(APPEND testing_targets ${target}_testing)
  endif()

  if(tests AND NOT DEPLOYCLAW_FUZZ)
    list(TRANSFORM M_TEST_LINKS PREPEND deployclaw_ OUTPUT_VARIABLE test_link_targets)
    add_executable(${M_NAME}_test ${tests})
    target_link_libraries(${M_NAME}_test PRIVATE
      ${testing_targets} ${target} ${test_link_targets} ${M_TEST_LIBRARIES} GTest::gmock_main)
    target_compile_definitions(${M_NAME}_test PRIVATE
      DEPLOYCLAW_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    gtest_discover_tests(${M_NAME}_test TEST_PREFIX ${M_NAME}. DISCOVERY_TIMEOUT 60
      DISCOVERY_MODE PRE_TEST PROPERTIES TIMEOUT 300)
  endif()
  if(DEPLOYCLAW_FUZZ)
    foreach(fuzzer ${fuzzers})
      get_filename_component(name ${fuzzer} NAME_WE)
      add_executable(${name} ${fuzzer})
      target_link_libraries(${name} PRIVATE ${target})
      target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    endforeach()
  endif()
endfunction()
