// The whole PC: processor, memory, chipset and drive in one SystemC hierarchy, with a boot image.
//
// One machine a process: SystemC elaborates once. Everything that happens to the machine afterwards, power
// cuts included, happens inside that elaboration. Modelled time runs on through resets and power cycles.
#pragma once

#include "models/chipset/vga.hpp"
#include "models/memory/physical_memory.hpp"
#include "models/time.hpp"
#include "sim/machine/boot_image.hpp"
#include "sim/machine/machine_debugger.hpp"
#include "sim/machine/machine_disks.hpp"
#include "sim/machine/machine_events.hpp"
#include "sim/machine/machine_parameters.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace fixpoint::sim {

// Why Machine::run returned.
enum class RunEnd {
    time_limit,
    stop_requested, // request_stop()
    debug_exit,     // the guest wrote to isa-debug-exit; see debug_exit_value()
    powered_off,    // orderly power-off through power management
    triple_fault,
    halted_for_ever, // HLT with interrupts off
};

class Machine {
public:
    // `image` may be null: a machine without a disk; else it is the primary master's. Throws
    // std::invalid_argument, as the other one does.
    Machine(const MachineParameters& parameters, models::DiskImage* image);
    // Up to four drives, each with its own parameters; parameters.disk is not looked at. The images must outlive
    // the machine.
    Machine(const MachineParameters& parameters, const MachineDisks& disks);
    ~Machine();
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;

    // Reads the files, places them and sets the processor to the kernel's entry. Throws BootError.
    void load(const BootImage& image);
    // What was not as the kernel wanted it, but did not keep it from being loaded: a line each.
    [[nodiscard]] std::vector<std::string> boot_warnings() const;

    // Runs to the absolute modelled time `until`. May be called again, except after triple_fault,
    // halted_for_ever and powered_off, which only power_cycle() ends. Exceptions of probe sinks and device
    // callbacks come out here.
    RunEnd run(models::Picoseconds until);
    // From probes and device callbacks: run() returns after the current instruction, with the devices caught
    // up.
    void request_stop();
    // The reset button: devices and processor are reset, the image is placed anew. If the processor waits in the
    // middle of an instruction (run() has come to its limit during a device access): once that has ended.
    void reset();
    // Pressed and released; the guest learns of it by the power management's status and interrupt. Between two calls
    // of run() only.
    void press_power_button();
    // Power off at now() and on again: memory and devices lose their state, the disk's cache goes as `mode`
    // says, the loaded image is placed anew. Between two calls of run() only.
    void power_cycle(models::PowerLoss mode, uint64_t seed);

    // nullptr: nobody. It is asked before the run ends at a triple fault or halts for ever.
    void set_debugger(MachineDebugger* debugger);
    // The debugger's stopped() is called when the processor next comes to an instruction boundary between two
    // slices of its work, also while it is halted. Between two calls of run(), or from the debugger's poll().
    void request_break();
    // Several may listen to every instruction. An observer is there once, however often it is added. Not from
    // before_instruction().
    void add_observer(models::InstructionObserver& observer);
    void remove_observer(models::InstructionObserver& observer);

    [[nodiscard]] models::Cpu& cpu();
    [[nodiscard]] models::PhysicalMemory& memory();
    // Null without a disk there; 0 to 3, primary master to secondary slave.
    [[nodiscard]] models::Disk* disk(unsigned unit = 0);
    // What is on the screen: models/chipset/text_screen.hpp.
    [[nodiscard]] const models::Vga& vga() const;
    // Modelled time; inside probes and callbacks it is the instruction's.
    [[nodiscard]] models::Picoseconds now() const;

    // Bytes that leave the UART, at the instant their stop bit is out (or at once if the UART is instant). When the
    // guest ends the run (debug exit, power-off, halt for ever) those that the UART still holds leave at that instant.
    void set_serial_output(std::function<void(char)> sink);
    // Appends to what the serial line will bring; bytes arrive when the guest listens, at the line's
    // speed (or at once if the UART is instant and the guest polls).
    void feed_serial_input(std::string_view bytes);
    // Types on the keyboard what a terminal sends (see Typist), as fast as the guest fetches it.
    void feed_keyboard(std::string_view bytes);
    // Bytes written to the debug console, port 0xE9, or printed on the parallel port.
    void set_debug_output(std::function<void(char)> sink);

    // nullptr: nobody listens.
    void set_events(MachineEvents* events);

    [[nodiscard]] uint8_t last_post_code() const;    // port 0x80 or chipset.post_port
    [[nodiscard]] uint32_t debug_exit_value() const; // as written; QEMU's exit status is (value << 1) | 1

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

} // namespace fixpoint::sim
