# Fetches the plotting library by the lock file into the current folder and joins its three scripts into one; each
# needs the ones before it. Run as cmake -D NPM=... -D STAMP=... -P.
#
# Without the registry the build goes on without reports: no STAMP is left, so that the next build tries again.
execute_process(COMMAND ${NPM} ci --ignore-scripts --omit=dev --loglevel=error RESULT_VARIABLE FAILED)
if(FAILED)
    message(WARNING "npm could not fetch the plotting library (see above): sweeps will write no report.html")
    return()
endif()
file(WRITE plot-library.js "")
foreach(PART vega vega-lite vega-embed)
    file(STRINGS node_modules/${PART}/package.json VERSION REGEX "\"version\"")
    message(STATUS "${PART}: ${VERSION}")
    execute_process(COMMAND ${CMAKE_COMMAND} -E cat node_modules/${PART}/build/${PART}.min.js
                    OUTPUT_VARIABLE SCRIPT COMMAND_ERROR_IS_FATAL ANY)
    file(APPEND plot-library.js "${SCRIPT}\n;\n")
endforeach()
file(TOUCH ${STAMP})
