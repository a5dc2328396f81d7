# One script of the plotting library's three, in the current folder; each needs the ones before it.
file(WRITE plot-library.js "")
foreach(PART vega vega-lite vega-embed)
    file(STRINGS node_modules/${PART}/package.json VERSION REGEX "\"version\"")
    message(STATUS "${PART}: ${VERSION}")
    execute_process(COMMAND ${CMAKE_COMMAND} -E cat node_modules/${PART}/build/${PART}.min.js
                    OUTPUT_VARIABLE SCRIPT COMMAND_ERROR_IS_FATAL ANY)
    file(APPEND plot-library.js "${SCRIPT}\n;\n")
endforeach()
