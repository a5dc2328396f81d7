# Flags that every host target shares. Host code links fixpoint_host; guest code never does, so sanitizers and
# host warnings stay out of the image.
find_package(PkgConfig REQUIRED)
pkg_check_modules(SYSTEMC REQUIRED IMPORTED_TARGET systemc)

add_library(fixpoint_host INTERFACE)
target_include_directories(fixpoint_host INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(fixpoint_host INTERFACE
    -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wold-style-cast -Wnon-virtual-dtor -Woverloaded-virtual
    -Werror
    -ffp-contract=off # modelled state is bit-identical on every host
)
if(FIXPOINT_SANITIZE)
    target_compile_options(fixpoint_host INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=undefined
                           -fno-omit-frame-pointer)
    target_link_options(fixpoint_host INTERFACE -fsanitize=address,undefined)
endif()

# SystemC as Debian packages it was built as C++17: its version symbol must be named so under C++20.
add_library(fixpoint_systemc INTERFACE)
target_link_libraries(fixpoint_systemc INTERFACE PkgConfig::SYSTEMC)
target_compile_definitions(fixpoint_systemc INTERFACE SC_CPLUSPLUS=201703L SC_INCLUDE_DYNAMIC_PROCESSES)
get_target_property(SYSTEMC_INCLUDES PkgConfig::SYSTEMC INTERFACE_INCLUDE_DIRECTORIES)
if(SYSTEMC_INCLUDES)
    target_include_directories(fixpoint_systemc SYSTEM INTERFACE ${SYSTEMC_INCLUDES})
endif()

if(FIXPOINT_SANITIZE)
    # SystemC's coroutines hide the stack's bounds from the address sanitizer: after an exception it takes frames that
    # are gone for overflows. Code that runs beside SystemC therefore goes without redzones on the stack.
    target_compile_options(fixpoint_systemc INTERFACE --param=asan-stack=0)
endif()

find_package(GTest REQUIRED)

# add_host_test(NAME SOURCES file... LIBS target... [TIMEOUT seconds])
# A GoogleTest executable, registered with CTest as one test named NAME; the sanitizer build runs it too.
function(add_host_test NAME)
    cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LIBS" ${ARGN})
    add_executable(${NAME} ${ARG_SOURCES})
    target_link_libraries(${NAME} PRIVATE fixpoint_host ${ARG_LIBS} GTest::gtest GTest::gtest_main)
    add_test(NAME ${NAME} COMMAND ${NAME})
    set_tests_properties(${NAME} PROPERTIES LABELS sanitize)
    if(ARG_TIMEOUT)
        set_tests_properties(${NAME} PROPERTIES TIMEOUT ${ARG_TIMEOUT})
    endif()
endfunction()
