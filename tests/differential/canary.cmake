# A campaign with a defect planted into the model must fail and name what is wrong:
#   cmake -DPROGRAM=fixpoint_differential -P canary.cmake
set(defects zero-flag error-code accessed-bit)
set(seen_as_zero-flag "UNEXPLAINED: eflags: ")
set(seen_as_error-code "UNEXPLAINED: error: ")
set(seen_as_accessed-bit "UNEXPLAINED: memory:page_table")
foreach(defect IN LISTS defects)
    execute_process(COMMAND ${PROGRAM} --defect ${defect} --seed 1 --cases 300 --show 20 --no-shrink
                    OUTPUT_VARIABLE output ERROR_VARIABLE output RESULT_VARIABLE status)
    if(status EQUAL 77)
        message(STATUS "${output}")
        return()
    endif()
    if(NOT status EQUAL 1 OR NOT output MATCHES "${seen_as_${defect}}")
        message(FATAL_ERROR "${defect}: exit status ${status}, and no \"${seen_as_${defect}}\" in\n${output}")
    endif()
    message(STATUS "${defect}: reported")
endforeach()
