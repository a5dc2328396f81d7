#include "kernel-model/boot/command_line.hpp"

#include "kernel-model/abi/system_layout.hpp"
#include "kernel-model/devices/serial_console.hpp"
#include "kernel-model/panic.hpp"

namespace kernel {

namespace {

struct Word {
    const char* text;
    unsigned length;

    bool equals(const char* other) const {
        for (unsigned index = 0; index < length; ++index)
            if (other[index] != text[index])
                return false;
        return other[length] == 0;
    }
    // The rest behind `prefix`, or a null text.
    Word after(const char* prefix) const {
        unsigned index = 0;
        for (; prefix[index] != 0; ++index)
            if (index == length || text[index] != prefix[index])
                return {nullptr, 0};
        return {text + index, length - index};
    }
};

[[noreturn]] void reject(Word word) {
    console.print("kernel: command line: ");
    for (unsigned index = 0; index < word.length; ++index)
        console.print_char(word.text[index]);
    console.print(": expected tcb-pager=TASK, paged-tasks=TASK, forget-mappings=MS (1-255), "
                  "timer=pit|rtc|apic or panic=test\n");
    refuse_to_boot("command line not understood");
}

// 1-255: a task, or milliseconds.
unsigned small_number(Word value, Word word) {
    unsigned number = 0;
    for (unsigned index = 0; index < value.length; ++index) {
        if (value.text[index] < '0' || value.text[index] > '9')
            reject(word);
        number = number * 10 + static_cast<unsigned>(value.text[index] - '0');
        if (number > 255)
            reject(word);
    }
    if (number == 0)
        reject(word);
    return number;
}

bool is_key(Word word) {
    for (unsigned index = 0; index < word.length; ++index)
        if (word.text[index] == '=')
            return true;
    return false;
}

} // namespace

CommandLine parse_command_line(const char* text) {
    CommandLine line;
    bool first = true;
    while (*text != 0) {
        while (*text == ' ')
            ++text;
        Word word{text, 0};
        while (*text != 0 && *text != ' ') {
            ++text;
            ++word.length;
        }
        if (word.length == 0)
            break;
        const bool program_name = first && !is_key(word);
        first = false;
        if (program_name)
            continue;
        if (const Word pager = word.after("tcb-pager="); pager.text != nullptr)
            line.tcb_pager_task = small_number(pager, word);
        else if (const Word paged = word.after("paged-tasks="); paged.text != nullptr)
            line.paged_tasks = small_number(paged, word);
        else if (const Word period = word.after("forget-mappings="); period.text != nullptr)
            line.forget_mappings_ms = small_number(period, word);
        else if (word.equals("timer=pit"))
            line.timer = TimerSource::pit;
        else if (word.equals("timer=rtc"))
            line.timer = TimerSource::rtc;
        else if (word.equals("timer=apic"))
            line.timer = TimerSource::apic;
        else if (word.equals("panic=test"))
            line.panics = true;
        else
            reject(word);
    }
    if (line.paged_tasks == 0)
        line.paged_tasks = line.tcb_pager_task != 0 ? l4::first_persistent_task : l4::task_count;
    if (line.tcb_pager_task >= line.paged_tasks)
        refuse_to_boot("command line: the TCB pager must not be one of the tasks that it pages");
    return line;
}

} // namespace kernel
