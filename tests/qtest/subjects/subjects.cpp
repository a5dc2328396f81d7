#include "tests/qtest/subjects/subjects.hpp"

namespace fixpoint::qtest {

std::vector<std::unique_ptr<Subject>> all_subjects() {
    std::vector<std::unique_ptr<Subject>> all;
    for (const auto make : {make_pit, make_pic, make_dma, make_rtc, make_uart, make_pci, make_power,
                            make_ports, make_ide, make_keyboard, make_io_apic, make_vga})
        all.push_back(make());
    return all;
}

} // namespace fixpoint::qtest
