#include "tests/qtest/subjects/subjects.hpp"

namespace fixpoint::qtest {

std::vector<Variants> all_subjects() {
    std::vector<Variants> all;
    for (const auto make : {make_pit, make_pic, make_dma, make_rtc, make_uart, make_pci, make_power,
                            make_ports, make_keyboard, make_io_apic, make_vga, make_fw_cfg})
        all.emplace_back().push_back(make());
    all.push_back(make_ide());
    return all;
}

} // namespace fixpoint::qtest
