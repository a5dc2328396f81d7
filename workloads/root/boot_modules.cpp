#include "workloads/root/boot_modules.hpp"

namespace workloads {

void split_command_line(const char* text, TextView& name, const char*& arguments) {
    while (*text == ' ')
        ++text;
    name = {text, 0};
    for (; *text && *text != ' '; ++text) {
        if (*text == '/')
            name = {text + 1, 0};
        else
            ++name.length;
    }
    while (*text == ' ')
        ++text;
    arguments = text;
}

const char* BootModules::parse(const MultibootInfo& info) {
    constexpr uint32_t has_modules = 1u << 3;
    if (!(info.flags & has_modules) || info.module_count == 0)
        return "the boot loader passed no modules";
    if (info.module_count > max_modules)
        return "more than 32 modules";
    const auto* table = reinterpret_cast<const MultibootModule*>(static_cast<uintptr_t>(info.modules));
    for (uint32_t i = 0; i < info.module_count; ++i) {
        BootModule& module = modules_[count_++];
        module.file = reinterpret_cast<const uint8_t*>(static_cast<uintptr_t>(table[i].start));
        module.file_bytes = table[i].end - table[i].start;
        const char* text = reinterpret_cast<const char*>(static_cast<uintptr_t>(table[i].text));
        split_command_line(text ? text : "", module.name, module.arguments);
        high_ = table[i].end > high_ ? table[i].end : high_;
    }
    return nullptr;
}

const BootModule* BootModules::find(const char* name) const {
    for (unsigned i = 0; i < count_; ++i)
        if (modules_[i].name.equals(name))
            return &modules_[i];
    return nullptr;
}

} // namespace workloads
