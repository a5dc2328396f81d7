#include "models/chipset/fw_cfg.hpp"

#include <stdexcept>
#include <utility>

namespace fixpoint::models {
namespace {

constexpr uint16_t first_file = 0x20;
constexpr size_t name_bytes = 56; // of a directory entry, with the zero at the end

void put_big_endian(std::vector<uint8_t>& bytes, uint32_t value, unsigned count) {
    for (unsigned i = count; i-- > 0;)
        bytes.push_back(static_cast<uint8_t>(value >> 8 * i));
}

} // namespace

FirmwareConfiguration::FirmwareConfiguration() {
    set_item(signature, {'Q', 'E', 'M', 'U'});
    set_number(identification, 1, 4); // the traditional interface
    write_directory();
    select(signature);
}

void FirmwareConfiguration::set_item(uint16_t key, Bytes content) {
    items_[key] = std::move(content);
}

void FirmwareConfiguration::set_number(uint16_t key, uint64_t value, unsigned bytes) {
    Bytes content;
    for (unsigned i = 0; i < bytes; ++i)
        content.push_back(static_cast<uint8_t>(value >> 8 * i));
    set_item(key, std::move(content));
}

void FirmwareConfiguration::add_file(std::string_view name, Bytes content) {
    if (name.size() >= name_bytes)
        throw std::invalid_argument("fw_cfg: a file's name has at most 55 bytes");
    set_item(static_cast<uint16_t>(first_file + files_.size()), std::move(content));
    files_.emplace_back(name);
    write_directory();
}

void FirmwareConfiguration::write_directory() {
    Bytes content;
    put_big_endian(content, static_cast<uint32_t>(files_.size()), 4);
    for (size_t i = 0; i < files_.size(); ++i) {
        const auto key = static_cast<uint16_t>(first_file + i);
        put_big_endian(content, static_cast<uint32_t>(items_[key].size()), 4);
        put_big_endian(content, key, 2);
        put_big_endian(content, 0, 2); // reserved
        content.insert(content.end(), files_[i].begin(), files_[i].end());
        content.insert(content.end(), name_bytes - files_[i].size(), 0);
    }
    set_item(directory, std::move(content));
}

void FirmwareConfiguration::select(uint16_t key) {
    constexpr uint16_t write_channel = 0x4000; // the same item, to be written
    const auto item = items_.find(static_cast<uint16_t>(key & ~write_channel));
    selected_ = item == items_.end() ? nullptr : &item->second;
    position_ = 0;
}

uint32_t FirmwareConfiguration::read(uint32_t, unsigned) {
    return selected_ != nullptr && position_ < selected_->size() ? (*selected_)[position_++] : 0;
}

void FirmwareConfiguration::write(uint32_t offset, unsigned bytes, uint32_t value) {
    if (offset == 0 && bytes == 2)
        select(static_cast<uint16_t>(value));
}

} // namespace fixpoint::models
