#include "models/cpu/x87_image.hpp"

#include <cstring>

namespace fixpoint::models {

namespace {

template<class T>
T get(const uint8_t* image, unsigned offset) {
    T value;
    std::memcpy(&value, image + offset, sizeof(T));
    return value;
}
template<class T>
void put(uint8_t* image, unsigned offset, T value) {
    std::memcpy(image + offset, &value, sizeof(T));
}

constexpr uint16_t opcode_mask = 0x07FF;

// An environment is seven fields, of 4 bytes each or of 2.
enum Field : unsigned { control, status, tags, instruction, instruction_high, operand, operand_high, fields };

// Where a 32-bit field holds 16 bits, the others are stored as ones.
constexpr uint32_t upper_ones = 0xFFFF'0000;

} // namespace

void X87Image::store_environment(const X87State& x87, uint8_t* image) const {
    uint32_t field[fields] = {x87.control | upper_ones, x87.status_word() | upper_ones,
                              x87.tag_word() | upper_ones};
    if (with_linear) {
        // Bits 16-31 of the addresses, or 16-19 of them, stand at bit 12 of their fields.
        const uint32_t at = (uint32_t{x87.code_selector} << 4) + x87.instruction_pointer;
        const uint32_t of = (uint32_t{x87.data_selector} << 4) + x87.operand_pointer;
        field[instruction] = (at & 0xFFFF) | upper_ones;
        field[instruction_high] = (at >> 16 << 12) | x87.opcode;
        field[operand] = (of & 0xFFFF) | upper_ones;
        field[operand_high] = of >> 16 << 12;
    } else {
        field[instruction] = x87.instruction_pointer;
        field[instruction_high] = x87.code_selector | uint32_t{x87.opcode} << 16;
        field[operand] = x87.operand_pointer;
        field[operand_high] = x87.data_selector | upper_ones;
    }
    for (unsigned i = 0; i < fields; ++i)
        if (wide)
            put<uint32_t>(image, i * 4, field[i]);
        else
            put<uint16_t>(image, i * 2, static_cast<uint16_t>(field[i]));
}

void X87Image::load_environment(X87State& x87, const uint8_t* image) const {
    uint32_t field[fields];
    for (unsigned i = 0; i < fields; ++i)
        field[i] = wide ? get<uint32_t>(image, i * 4) : get<uint16_t>(image, i * 2);
    if (with_linear) {
        x87.instruction_pointer = (field[instruction] & 0xFFFF) | (field[instruction_high] >> 12 << 16);
        x87.code_selector = 0;
        x87.opcode = field[instruction_high] & opcode_mask;
        x87.operand_pointer = (field[operand] & 0xFFFF) | (field[operand_high] >> 12 << 16);
        x87.data_selector = 0;
    } else {
        x87.instruction_pointer = field[instruction];
        x87.code_selector = static_cast<uint16_t>(field[instruction_high]);
        x87.opcode = wide ? field[instruction_high] >> 16 & opcode_mask : 0;
        x87.operand_pointer = field[operand];
        x87.data_selector = static_cast<uint16_t>(field[operand_high]);
    }
    x87.set_tag_word(static_cast<uint16_t>(field[tags]));
    x87.set_control(static_cast<uint16_t>(field[control]));
    x87.set_status_word(static_cast<uint16_t>(field[status]));
}

void store_x87_registers(const X87State& x87, uint8_t* image, unsigned stride) {
    for (unsigned i = 0; i < 8; ++i) {
        put(image, i * stride, x87.st(i).significand);
        put(image, i * stride + 8, x87.st(i).sign_exponent);
    }
}
void load_x87_registers(X87State& x87, const uint8_t* image, unsigned stride) {
    for (unsigned i = 0; i < 8; ++i)
        x87.registers[x87.physical(i)] = {get<uint64_t>(image, i * stride),
                                          get<uint16_t>(image, i * stride + 8)};
}

void X87ExtendedImage::store(const X87State& x87, uint8_t* image) {
    std::memset(image, 0, used_bytes);
    put<uint16_t>(image, 0, x87.control);
    put<uint16_t>(image, 2, x87.status_word());
    put<uint8_t>(image, 4, x87.occupied);
    put<uint16_t>(image, 6, x87.opcode);
    put<uint32_t>(image, 8, x87.instruction_pointer);
    put<uint16_t>(image, 12, x87.code_selector);
    put<uint32_t>(image, 16, x87.operand_pointer);
    put<uint16_t>(image, 20, x87.data_selector);
    store_x87_registers(x87, image + registers_offset, register_stride);
}

void X87ExtendedImage::load(X87State& x87, const uint8_t* image) {
    x87.set_control(get<uint16_t>(image, 0));
    x87.set_status_word(get<uint16_t>(image, 2));
    x87.occupied = get<uint8_t>(image, 4);
    x87.opcode = get<uint16_t>(image, 6) & opcode_mask;
    x87.instruction_pointer = get<uint32_t>(image, 8);
    x87.code_selector = get<uint16_t>(image, 12);
    x87.operand_pointer = get<uint32_t>(image, 16);
    x87.data_selector = get<uint16_t>(image, 20);
    load_x87_registers(x87, image + registers_offset, register_stride);
}

} // namespace fixpoint::models
