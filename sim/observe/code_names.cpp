#include "sim/observe/code_names.hpp"

#include <fmt/format.h>

namespace fixpoint::sim {
namespace {

constexpr uint32_t page_bytes = 4096;

} // namespace

CodeNames::CodeNames(const BootImage& image, const models::Cpu& cpu, const models::PhysicalMemory& memory)
    : cpu_{cpu}, memory_{memory}, files_{image.kernel} {
    for (const BootImage::Module& module : image.modules)
        files_.push_back(module.file);
}

std::string CodeNames::operator()(uint32_t linear) const {
    uint32_t physical = 0;
    if (!cpu_.translate(linear & ~(page_bytes - 1), physical) || physical > memory_.size() - page_bytes)
        return "";
    if (!map_)
        map_.emplace(files_);
    const auto place = map_->identify(linear, {memory_.data() + physical, page_bytes});
    if (!place)
        return "";
    const GuestModule& module = map_->modules()[place->module];
    const GuestModule::Function* function = module.function_at(place->address);
    if (function == nullptr)
        return "";
    std::string name = function->name;
    if (place->address != function->begin)
        name += fmt::format("+{:#x}", place->address - function->begin);
    const GuestModule::Line line = module.line_at(place->address);
    if (line.file != GuestModule::no_file && line.number != 0)
        name += fmt::format(", {}:{}", std::filesystem::path{module.file_name(line.file)}.filename().string(),
                            line.number);
    return name;
}

} // namespace fixpoint::sim
