#include "tests/qtest/emulator.hpp"

#include <cstring>
#include <stdexcept>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace fixpoint::qtest {
namespace {

constexpr int patience_ms = 30'000;

void wait_readable(int descriptor) {
    pollfd readable{descriptor, POLLIN, 0};
    if (poll(&readable, 1, patience_ms) <= 0)
        throw std::runtime_error("QEMU does not answer");
}

} // namespace

LineSocket::LineSocket(const std::filesystem::path& path)
    : listening_{socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.string().size() >= sizeof address.sun_path)
        throw std::runtime_error("the path is too long for a socket: " + path.string());
    std::memcpy(address.sun_path, path.c_str(), path.string().size());
    if (bind(listening_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        listen(listening_, 1) != 0)
        throw std::runtime_error("cannot listen at " + path.string());
}

LineSocket::~LineSocket() {
    if (connection_ >= 0)
        close(connection_);
    close(listening_);
}

void LineSocket::accept() {
    wait_readable(listening_);
    connection_ = accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection_ < 0)
        throw std::runtime_error("QEMU does not connect");
}

void LineSocket::send(std::string_view text) {
    while (!text.empty()) {
        const ssize_t sent = ::send(connection_, text.data(), text.size(), MSG_NOSIGNAL);
        if (sent <= 0)
            throw std::runtime_error("QEMU has ended");
        text.remove_prefix(static_cast<size_t>(sent));
    }
}

std::string LineSocket::receive() {
    while (true) {
        if (const size_t end = buffer_.find('\n', begin_); end != std::string::npos) {
            std::string text = buffer_.substr(begin_, end - begin_);
            begin_ = end + 1;
            if (!text.empty() && text.back() == '\r')
                text.pop_back();
            return text;
        }
        buffer_.erase(0, begin_);
        begin_ = 0;
        char bytes[65'536];
        wait_readable(connection_);
        const ssize_t received = recv(connection_, bytes, sizeof bytes, 0);
        if (received <= 0)
            throw std::runtime_error("QEMU has ended");
        buffer_.append(bytes, static_cast<size_t>(received));
    }
}

} // namespace fixpoint::qtest
