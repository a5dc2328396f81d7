#include "sim/debug/gdb_connection.hpp"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace fixpoint::sim {
namespace {

[[noreturn]] void fail(std::string_view what, uint16_t port) {
    throw GdbConnectionError(fmt::format("--gdb {}: {}: {}", port, what, std::strerror(errno)));
}

bool is_readable(int file, bool wait) {
    pollfd entry{file, POLLIN, 0};
    while (true) {
        const int ready = poll(&entry, 1, wait ? -1 : 0);
        if (ready >= 0 || errno != EINTR)
            return ready > 0;
    }
}

} // namespace

GdbConnection::GdbConnection(uint16_t port) : port_{port} {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener_ < 0)
        fail("no socket", port);
    const int yes = 1;
    (void)setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    socklen_t length = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    if (bind(listener_, generic, length) != 0 || listen(listener_, 1) != 0 ||
        getsockname(listener_, generic, &length) != 0) {
        const int error = errno;
        close(listener_);
        errno = error;
        fail("cannot listen on 127.0.0.1", port);
    }
    port_ = ntohs(address.sin_port);
}

GdbConnection::~GdbConnection() {
    close_peer();
    close(listener_);
}

void GdbConnection::wait_for_peer() {
    while (!take_peer())
        (void)is_readable(listener_, true);
}

bool GdbConnection::take_peer() {
    if (!is_readable(listener_, false))
        return false;
    peer_ = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (peer_ < 0)
        return false;
    const int yes = 1; // packets are small and answered one by one
    (void)setsockopt(peer_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    reader_.clear();
    return true;
}

void GdbConnection::close_peer() {
    if (peer_ >= 0)
        close(peer_);
    peer_ = -1;
}

bool GdbConnection::fill(bool wait) {
    std::array<char, 4096> buffer{};
    if (!is_open() || !is_readable(peer_, wait))
        return false;
    const ssize_t count = recv(peer_, buffer.data(), buffer.size(), 0);
    if (count < 0 && errno == EINTR)
        return true;
    if (count <= 0) {
        close_peer();
        return false;
    }
    reader_.feed({buffer.data(), static_cast<size_t>(count)});
    return true;
}

std::optional<PacketEvent> GdbConnection::receive(bool wait) {
    while (true) {
        if (auto event = reader_.next())
            return event;
        if (!fill(wait))
            return std::nullopt;
    }
}

void GdbConnection::send(std::string_view bytes) {
    while (is_open() && !bytes.empty()) {
        const ssize_t count = ::send(peer_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return close_peer();
        bytes.remove_prefix(static_cast<size_t>(count));
    }
}

GdbConnection& listen_for_gdb(std::optional<GdbConnection>& connection, uint16_t port) {
    connection.emplace(port);
    fmt::print(stderr, "fixpoint: waiting for gdb: target remote 127.0.0.1:{}\n", connection->port());
    return *connection;
}

} // namespace fixpoint::sim
