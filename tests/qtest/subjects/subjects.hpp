// One maker a device.
#pragma once

#include "tests/qtest/subject.hpp"

#include <memory>

namespace fixpoint::qtest {

std::unique_ptr<Subject> make_pit();
std::unique_ptr<Subject> make_pic();
std::unique_ptr<Subject> make_dma();
std::unique_ptr<Subject> make_rtc();
std::unique_ptr<Subject> make_uart();
std::unique_ptr<Subject> make_pci();
std::unique_ptr<Subject> make_power();
std::unique_ptr<Subject> make_ports();
Variants make_ide();
std::unique_ptr<Subject> make_keyboard();
std::unique_ptr<Subject> make_io_apic();
std::unique_ptr<Subject> make_vga();
std::unique_ptr<Subject> make_fw_cfg();

} // namespace fixpoint::qtest
