#include "sim/command_line/standard_input.hpp"

#include <cerrno>
#include <csignal>

#include <poll.h>
#include <termios.h>
#include <unistd.h>

namespace fixpoint::sim {
namespace {

constexpr int ending_signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};

// For the signal handler.
termios modes_before;
volatile std::sig_atomic_t modes_are_changed = 0;

void restore_modes() {
    if (modes_are_changed == 0)
        return;
    modes_are_changed = 0;
    tcsetattr(STDIN_FILENO, TCSANOW, &modes_before);
}

// The signal has its default action again, and comes once more as soon as this returns.
void restore_and_end(int signal_number) {
    restore_modes();
    raise(signal_number);
}

} // namespace

KeyByKeyTerminal::KeyByKeyTerminal() {
    if (isatty(STDIN_FILENO) == 0 || tcgetattr(STDIN_FILENO, &modes_before) != 0)
        return;
    struct sigaction action {};
    action.sa_handler = restore_and_end;
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    for (const int number : ending_signals) {
        struct sigaction before {};
        sigaction(number, nullptr, &before);
        if (before.sa_handler == SIG_DFL) // who ignores it goes on ignoring it
            sigaction(number, &action, nullptr);
    }
    termios modes = modes_before;
    modes.c_iflag &= ~static_cast<tcflag_t>(ICRNL | IXON);
    modes.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | IEXTEN);
    modes.c_cc[VMIN] = 1;
    modes.c_cc[VTIME] = 0;
    modes_are_changed = 1;
    tcsetattr(STDIN_FILENO, TCSANOW, &modes);
}

KeyByKeyTerminal::~KeyByKeyTerminal() {
    restore_modes();
}

std::string_view StandardInput::read_available() {
    if (!open_)
        return {};
    pollfd input{STDIN_FILENO, POLLIN, 0};
    if (poll(&input, 1, 0) <= 0)
        return {};
    const ssize_t count = read(STDIN_FILENO, buffer_, sizeof buffer_);
    if (count > 0)
        return {buffer_, static_cast<size_t>(count)};
    if (count == 0 || errno != EINTR)
        open_ = false;
    return {};
}

} // namespace fixpoint::sim
