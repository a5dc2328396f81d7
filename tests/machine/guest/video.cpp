// The video adapter as the firmware leaves it: registers, palette, text memory, its PCI function. Writes and
// reads through every write and read mode, and leaves a text on the screen.
#include "workloads/bare_pc/console.hpp"

namespace {

enum : uint16_t {
    attribute_port = 0x3C0,
    attribute_data_port = 0x3C1,
    sequencer_port = 0x3C4,
    palette_state_port = 0x3C7,
    palette_write_port = 0x3C8,
    palette_data_port = 0x3C9,
    miscellaneous_port = 0x3CC,
    graphics_port = 0x3CE,
    crt_port = 0x3D4,
    status_port = 0x3DA,
};

uint8_t get(uint16_t port, uint8_t index) {
    pc::out8(port, index);
    return pc::in8(static_cast<uint16_t>(port + 1));
}
void set(uint16_t port, uint8_t index, uint8_t value) {
    pc::out16(port, static_cast<uint16_t>(value << 8 | index)); // index and data at once, as software does
}
uint8_t get_attribute(uint8_t index) {
    pc::in8(status_port);
    pc::out8(attribute_port, index);
    const uint8_t value = pc::in8(attribute_data_port);
    pc::in8(status_port);
    pc::out8(attribute_port, 0x20); // the palette is the display's again
    return value;
}
uint32_t get_config(uint32_t address) {
    constexpr uint32_t function = 0x8000'0000 | 2 << 11;
    pc::out32(0xCF8, function | address);
    return pc::in32(0xCFC);
}

void print_row(const char* name, uint8_t (*value)(uint8_t), unsigned count) {
    pc::print(name);
    for (unsigned i = 0; i < count; ++i) {
        pc::print(' ');
        pc::print_hex(value(static_cast<uint8_t>(i)), 2);
    }
    pc::print('\n');
}

void print_registers() {
    pc::report("miscellaneous", pc::in8(miscellaneous_port));
    print_row(
        "sequencer", [](uint8_t i) { return get(sequencer_port, i); }, 5);
    print_row(
        "graphics", [](uint8_t i) { return get(graphics_port, i); }, 9);
    print_row("attribute", get_attribute, 21);
    constexpr uint8_t cursor_high = 0x0E; // where the firmware's messages have left the cursor
    print_row(
        "crt", [](uint8_t i) { return i / 2 == cursor_high / 2 ? uint8_t{0} : get(crt_port, i); }, 25);
    pc::report("other crt port", pc::in8(0x3B5));
    pc::out8(palette_state_port, 0);
    pc::report("palette state", pc::in8(palette_state_port) & 3);
    for (unsigned entry = 0; entry < 64; ++entry) {
        for (unsigned component = 0; component < 3; ++component)
            pc::print_hex(pc::in8(palette_data_port), 2);
        pc::print(entry % 8 == 7 ? '\n' : ' ');
    }
    pc::out8(palette_write_port, 0);
    pc::report("palette state", pc::in8(palette_state_port) & 3);
}

void print_function() {
    constexpr uint8_t fields[] = {0x00, 0x04, 0x08, 0x0C, 0x10, 0x14, 0x2C};
    for (const uint8_t address : fields)
        pc::report("config", get_config(address));
}

// One plane of the byte at offset 0 of the graphics window.
uint32_t planes(volatile uint8_t* window) {
    uint32_t value = 0;
    for (uint8_t plane = 0; plane < 4; ++plane) {
        set(graphics_port, 4, plane);
        value |= static_cast<uint32_t>(*window) << 8 * plane;
    }
    return value;
}

// Planar access at 0xA0000; mode 3 again at the end.
void exercise_planes() {
    auto* window = reinterpret_cast<volatile uint8_t*>(0xA0000) + 0x9000; // beyond text and fonts' use
    set(sequencer_port, 2, 0x0F);
    set(sequencer_port, 4, 0x06);
    set(graphics_port, 5, 0x00);
    set(graphics_port, 6, 0x05);
    *window = 0x3C;
    pc::report("mode 0", planes(window));
    set(graphics_port, 3, 0x01); // rotate
    set(sequencer_port, 2, 0x05);
    *window = 0x81;
    pc::report("rotated into two planes", planes(window));
    set(sequencer_port, 2, 0x0F);
    set(graphics_port, 0, 0x0A);
    set(graphics_port, 1, 0x06);
    set(graphics_port, 3, 0x18); // exclusive or
    set(graphics_port, 8, 0x7E);
    *window = 0x55;
    pc::report("set/reset, xor, mask", planes(window));
    set(graphics_port, 1, 0x00);
    set(graphics_port, 3, 0x00);
    set(graphics_port, 5, 0x02);
    *window = 0x09;
    pc::report("mode 2", planes(window));
    set(graphics_port, 5, 0x03);
    *window = 0xF0;
    pc::report("mode 3", planes(window));
    set(graphics_port, 5, 0x01);
    window[1] = 0xAA;
    pc::report("mode 1", planes(window + 1));
    set(graphics_port, 2, 0x0A);
    set(graphics_port, 7, 0x0F);
    set(graphics_port, 5, 0x08);
    pc::report("compared", *window);
    set(graphics_port, 7, 0x05);
    pc::report("compared in two planes", *window);
    set(graphics_port, 0, 0x00);
    set(graphics_port, 2, 0x00);
    set(graphics_port, 4, 0x00);
    set(graphics_port, 7, 0x0F);
    set(graphics_port, 8, 0xFF);
    set(graphics_port, 5, 0x10);
    set(graphics_port, 6, 0x0E);
    set(sequencer_port, 2, 0x03);
    set(sequencer_port, 4, 0x02);
}

void wait_for_retraces() {
    constexpr uint8_t in_retrace = 0x08;
    for (unsigned i = 0; i < 3; ++i) {
        while (pc::in8(status_port) & in_retrace) {
        }
        while (!(pc::in8(status_port) & in_retrace)) {
        }
    }
    pc::print("retraces come\n");
}

void write_on_screen(unsigned row, const char* text) {
    auto* cell = reinterpret_cast<volatile uint16_t*>(0xB8000) + row * 80;
    for (; *text != 0; ++text)
        *cell++ = static_cast<uint16_t>(0x0700 | static_cast<uint8_t>(*text));
}

void show_text() {
    auto* cells = reinterpret_cast<volatile uint16_t*>(0xB8000);
    for (unsigned i = 0; i < 80 * 25; ++i)
        cells[i] = 0x0720;
    write_on_screen(0, "Hello from the guest");
    write_on_screen(24, "\xC9\xCD\xBB the last row");
    set(crt_port, 0x0E, 0);
    set(crt_port, 0x0F, 2 * 80 + 5);
    pc::report("text", *reinterpret_cast<volatile uint32_t*>(0xB8000));
    const auto* data = reinterpret_cast<const volatile uint8_t*>(0x400);
    pc::report("mode", data[0x49]);
    pc::report("columns", data[0x4A]);
    pc::report("crt port", data[0x63] | data[0x64] << 8);
    pc::report("last row", data[0x84]);
    pc::report("character height", data[0x85]);
    pc::report("page", data[0x4C] | data[0x4D] << 8);
    pc::report("cursor shape", data[0x60] | data[0x61] << 8);
}

} // namespace

extern "C" void run(const void*) {
    pc::start_console();
    print_registers();
    print_function();
    exercise_planes();
    wait_for_retraces();
    show_text();
    pc::leave(0x10);
}
