#include "sim/debug/packet.hpp"

#include <gtest/gtest.h>

namespace fixpoint::sim {
namespace {

using Kind = PacketEvent::Kind;

std::vector<PacketEvent> events_of(std::string_view bytes) {
    PacketReader reader;
    reader.feed(bytes);
    std::vector<PacketEvent> events;
    while (auto event = reader.next())
        events.push_back(*event);
    return events;
}

TEST(Packet, IsFramedWithTheSumOfItsBytes) {
    EXPECT_EQ(frame_packet("OK"), "$OK#9a");
    EXPECT_EQ(frame_packet(""), "$#00");
}

TEST(Packet, ComesOutAsItWasFramedWhateverPiecesItArrivesIn) {
    const std::string wire = frame_packet("m1000,4");
    PacketReader reader;
    for (const char byte : wire) {
        EXPECT_EQ(reader.next(), std::nullopt);
        reader.feed({&byte, 1});
    }
    EXPECT_EQ(reader.next(), (PacketEvent{Kind::packet, "m1000,4"}));
    EXPECT_EQ(reader.next(), std::nullopt);
}

TEST(Packet, WithAWrongChecksumIsDamaged) {
    EXPECT_EQ(events_of("$OK#9b"), (std::vector<PacketEvent>{{Kind::damaged, ""}}));
    EXPECT_EQ(events_of("$OK#zz"), (std::vector<PacketEvent>{{Kind::damaged, ""}}));
}

TEST(Packet, BeginsAnewWhereTheEndOfTheLastOneWasLost) {
    EXPECT_EQ(events_of("$m10$OK#9a"), (std::vector<PacketEvent>{{Kind::packet, "OK"}}));
}

TEST(Packet, LongerThanPacketsMayBeIsDamagedAndTheNextOneIsSound) {
    const std::string wire =
        frame_packet(std::string(PacketReader::longest_packet + 1, 'a')) + frame_packet("?");
    EXPECT_EQ(events_of(wire), (std::vector<PacketEvent>{{Kind::damaged, ""}, {Kind::packet, "?"}}));
}

TEST(Packet, InterruptAndRefusalStandBetweenPackets) {
    EXPECT_EQ(events_of("+\x03-$?#3f"),
              (std::vector<PacketEvent>{{Kind::interrupt, ""}, {Kind::refused, ""}, {Kind::packet, "?"}}));
}

TEST(Packet, BinaryContentSurvivesItsEscapes) {
    std::string data;
    for (int i = 0; i < 256; ++i)
        data += static_cast<char>(i);
    EXPECT_EQ(escape_binary("#"), "}\x03");
    EXPECT_EQ(events_of(frame_packet(escape_binary(data))), (std::vector<PacketEvent>{{Kind::packet, data}}));
}

TEST(Packet, HexadecimalHasWholeBytesOnly) {
    EXPECT_EQ(to_hex(std::string_view("Az")), "417a");
    EXPECT_EQ(from_hex("417A"), (std::vector<uint8_t>{0x41, 0x7A}));
    EXPECT_EQ(from_hex("417"), std::nullopt);
    EXPECT_EQ(from_hex("4g"), std::nullopt);
}

} // namespace
} // namespace fixpoint::sim
