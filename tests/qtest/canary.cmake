# A campaign with a defect planted into what the model shows must fail and say where:
#   cmake -DPROGRAM=fixpoint_qtest -P canary.cmake
set(seen_as_value "UNEXPLAINED: value: ")
set(seen_as_line "UNEXPLAINED: (rises|level): ")
foreach(device pit pic rtc uart power ide keyboard io_apic vga)
    set(defects value line)
    if(device MATCHES "^(io_apic|vga)$") # without lines to the 8259
        set(defects value)
    endif()
    foreach(defect IN LISTS defects)
        execute_process(COMMAND ${PROGRAM} --device ${device} --defect ${defect} --seed 1 --sequences 30 --show 0
                        OUTPUT_VARIABLE output ERROR_VARIABLE output RESULT_VARIABLE status)
        if(status EQUAL 77)
            message(STATUS "${output}")
            return()
        endif()
        if(NOT status EQUAL 1 OR NOT output MATCHES "${seen_as_${defect}}")
            message(FATAL_ERROR
                    "${device}, ${defect}: exit status ${status}, and no \"${seen_as_${defect}}\" in\n${output}")
        endif()
        message(STATUS "${device}, ${defect}: reported")
    endforeach()
endforeach()
