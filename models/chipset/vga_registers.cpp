#include "models/chipset/vga_registers.hpp"

namespace fixpoint::models {
namespace {

enum : uint16_t {
    attribute_port = 0x3C0, // index and data in turn
    attribute_read_port = 0x3C1,
    miscellaneous_write_port = 0x3C2,
    sequencer_index_port = 0x3C4,
    sequencer_data_port = 0x3C5,
    feature_read_port = 0x3CA,
    miscellaneous_read_port = 0x3CC,
    graphics_index_port = 0x3CE,
    graphics_data_port = 0x3CF,
    crt_index_port = 0x3D4,
    crt_data_port = 0x3D5,
    feature_write_port = 0x3DA,
};

constexpr uint8_t sequencer_index_bits = 0x07, graphics_index_bits = 0x0F, attribute_index_bits = 0x1F,
                  crt_index_bits = 0x1F;
constexpr uint8_t miscellaneous_bits = 0xEF, feature_bits = 0x08;
constexpr uint8_t line_compare_8 = 0x10; // overflow: never protected
constexpr uint8_t last_protected = vga::overflow;

constexpr std::array<uint8_t, vga::sequencer_count> sequencer_bits{0x03, 0x3D, 0x0F, 0x3F, 0x0E};
constexpr std::array<uint8_t, vga::graphics_count> graphics_bits{0x0F, 0x0F, 0x0F, 0x1F, 0x03,
                                                                 0x7B, 0x0F, 0x0F, 0xFF};
constexpr std::array<uint8_t, vga::attribute_count> attribute_bits{0x3F, 0x3F, 0x3F, 0x3F, 0x3F, 0x3F, 0x3F,
                                                                   0x3F, 0x3F, 0x3F, 0x3F, 0x3F, 0x3F, 0x3F,
                                                                   0x3F, 0x3F, 0xEF, 0xFF, 0x3F, 0x0F, 0x0F};
constexpr std::array<uint8_t, vga::crt_count> crt_bits{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F,
                                                       0xFF, 0x3F, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                                                       0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xEF, 0xFF};

// Mode 3 as a BIOS programs it.
constexpr uint8_t mode_3_miscellaneous = 0x67;
constexpr std::array<uint8_t, vga::sequencer_count> mode_3_sequencer{0x03, 0x00, 0x03, 0x00, 0x02};
constexpr std::array<uint8_t, vga::graphics_count> mode_3_graphics{0x00, 0x00, 0x00, 0x00, 0x00,
                                                                   0x10, 0x0E, 0x0F, 0xFF};
constexpr std::array<uint8_t, vga::attribute_count> mode_3_attribute{
    0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x14, 0x07, 0x38, 0x39, 0x3A,
    0x3B, 0x3C, 0x3D, 0x3E, 0x3F, 0x0C, 0x00, 0x0F, 0x08, 0x00};
constexpr std::array<uint8_t, vga::crt_count> mode_3_crt{0x5F, 0x4F, 0x50, 0x82, 0x55, 0x81, 0xBF, 0x1F, 0x00,
                                                         0x4F, 0x0D, 0x0E, 0x00, 0x00, 0x00, 0x00, 0x9C, 0x8E,
                                                         0x8F, 0x28, 0x1F, 0x96, 0xB9, 0xA3, 0xFF};

template<size_t count>
void set_all(IndexedRegisters<count>& registers, const std::array<uint8_t, count>& values) {
    for (size_t i = 0; i < count; ++i)
        registers.set(i, values[i]);
}

} // namespace

VgaRegisters::VgaRegisters()
    : sequencer_{sequencer_bits}, graphics_{graphics_bits}, attribute_{attribute_bits}, crt_{crt_bits} {}

void VgaRegisters::clear() {
    sequencer_.clear();
    graphics_.clear();
    attribute_.clear();
    crt_.clear();
    attribute_data_next_ = false;
    miscellaneous_ = feature_control_ = 0;
    ++generation_;
}

void VgaRegisters::set_text_mode() {
    clear();
    miscellaneous_ = mode_3_miscellaneous;
    set_all(sequencer_, mode_3_sequencer);
    set_all(graphics_, mode_3_graphics);
    set_all(attribute_, mode_3_attribute);
    set_all(crt_, mode_3_crt);
    attribute_.index = vga::palette_on;
}

uint8_t VgaRegisters::read(uint16_t port) const {
    switch (port) {
    case attribute_port:
        return attribute_.index;
    case attribute_read_port: {
        const uint8_t number = attribute_.index & attribute_index_bits;
        return number < vga::attribute_count ? attribute_[number] : uint8_t{0};
    }
    case sequencer_index_port:
        return sequencer_.index;
    case sequencer_data_port:
        return sequencer_.selected();
    case feature_read_port:
        return feature_control_;
    case miscellaneous_read_port:
        return miscellaneous_;
    case graphics_index_port:
        return graphics_.index;
    case graphics_data_port:
        return graphics_.selected();
    case crt_index_port:
        return crt_.index;
    case crt_data_port:
        return crt_.selected();
    default:
        return 0xFF;
    }
}

void VgaRegisters::write(uint16_t port, uint8_t value) {
    switch (port) {
    case attribute_port:
        write_attribute(value);
        break;
    case miscellaneous_write_port:
        miscellaneous_ = value & miscellaneous_bits;
        break;
    case sequencer_index_port:
        sequencer_.index = value & sequencer_index_bits;
        break;
    case sequencer_data_port:
        generation_ += sequencer_.set(sequencer_.index, value);
        break;
    case graphics_index_port:
        graphics_.index = value & graphics_index_bits;
        break;
    case graphics_data_port:
        generation_ += graphics_.set(graphics_.index, value);
        break;
    case crt_index_port:
        crt_.index = value & crt_index_bits;
        break;
    case crt_data_port:
        write_crt(value);
        break;
    case feature_write_port:
        feature_control_ = value & feature_bits;
        break;
    default:
        break;
    }
}

void VgaRegisters::write_attribute(uint8_t value) {
    if (attribute_data_next_) {
        generation_ += attribute_.set(attribute_.index & attribute_index_bits, value);
    } else {
        value &= attribute_index_bits | vga::palette_on;
        generation_ += ((attribute_.index ^ value) & vga::palette_on) != 0;
        attribute_.index = value;
    }
    attribute_data_next_ = !attribute_data_next_;
}

void VgaRegisters::write_crt(uint8_t value) {
    const bool is_protected =
        crt_.index <= last_protected && crt_[vga::vertical_retrace_end] & vga::write_protect;
    if (is_protected && crt_.index == vga::overflow)
        value = static_cast<uint8_t>((crt_[vga::overflow] & ~line_compare_8) | (value & line_compare_8));
    else if (is_protected)
        return;
    generation_ += crt_.set(crt_.index, value);
}

} // namespace fixpoint::models
