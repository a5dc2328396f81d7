// The way to gdb: a listening TCP socket on the loopback interface, and one connection at a time.
//
// No host threads: whoever wants to hear gdb either waits here or asks whether something has come.
#pragma once

#include "sim/debug/packet.hpp"

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace fixpoint::sim {

struct GdbConnectionError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

class GdbConnection {
public:
    // Port 0: a free one. Throws GdbConnectionError.
    explicit GdbConnection(uint16_t port);
    ~GdbConnection();
    GdbConnection(const GdbConnection&) = delete;
    GdbConnection& operator=(const GdbConnection&) = delete;

    [[nodiscard]] uint16_t port() const { return port_; }
    [[nodiscard]] bool is_open() const { return peer_ >= 0; }
    // Waits for a debugger.
    void wait_for_peer();
    // Takes a debugger that is waiting to be taken; false: there is none.
    [[nodiscard]] bool take_peer();
    void close_peer();

    // The next event; waits for it if `wait`. Nothing: none has come, or the peer is gone (is_open()).
    [[nodiscard]] std::optional<PacketEvent> receive(bool wait);
    void send(std::string_view bytes);

private:
    [[nodiscard]] bool fill(bool wait);

    int listener_ = -1, peer_ = -1;
    uint16_t port_ = 0;
    PacketReader reader_;
};

// Opens the port that a user has asked for and says on standard error how gdb gets there.
GdbConnection& listen_for_gdb(std::optional<GdbConnection>& connection, uint16_t port);

} // namespace fixpoint::sim
