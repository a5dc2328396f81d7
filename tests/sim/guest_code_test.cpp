// How guest code is named: by ELF symbols and DWARF lines, by content, and by what instructions do.
#include "sim/observe/control_flow.hpp"
#include "sim/observe/guest_code_map.hpp"
#include "sim/observe/profile_sites.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace fixpoint::sim {
namespace {

const std::filesystem::path images{GUEST_IMAGE_DIR};

ControlFlow flow(std::vector<uint8_t> code, bool code32 = true) {
    return control_flow_of(code, code32);
}

TEST(ControlFlow, CallsAndReturnsKnowTheirWidthAndWhatTheyRelease) {
    EXPECT_EQ(flow({0xE8, 0, 0, 0, 0}).kind, FlowKind::call);
    EXPECT_EQ(flow({0xE8, 0, 0, 0, 0}).bytes, 5);
    EXPECT_EQ(flow({0xFF, 0xD0}).kind, FlowKind::call);
    EXPECT_EQ(flow({0xE8, 0, 0}, false).address_bytes, 2);
    EXPECT_EQ(flow({0xC3}).kind, FlowKind::near_return);
    EXPECT_EQ(flow({0xC2, 8, 0}).released, 8);
}

TEST(ControlFlow, JumpsStayOnTheirStack) {
    EXPECT_EQ(flow({0xEB, 0xFE}).kind, FlowKind::jump);
    EXPECT_EQ(flow({0x74, 0xFE}).kind, FlowKind::jump);
    EXPECT_EQ(flow({0xFF, 0xE0}).kind, FlowKind::jump);
}

TEST(ControlFlow, WaysIntoTheKernelAndOut) {
    EXPECT_EQ(flow({0xCD, 0x30}).kind, FlowKind::kernel_entry);
    EXPECT_EQ(flow({0xCC}).kind, FlowKind::kernel_entry);
    EXPECT_EQ(flow({0x0F, 0x34}).kind, FlowKind::kernel_entry);
    EXPECT_EQ(flow({0x9A, 0, 0, 0, 0, 8, 0}).kind, FlowKind::kernel_entry);
    EXPECT_EQ(flow({0xCF}).kind, FlowKind::kernel_exit);
    EXPECT_EQ(flow({0x0F, 0x35}).kind, FlowKind::kernel_exit);
    EXPECT_EQ(flow({0xCB}).kind, FlowKind::kernel_exit);
}

TEST(ControlFlow, OnlyLoadsOfEspMayChangeTheStack) {
    EXPECT_EQ(flow({0x8B, 0x20}).kind, FlowKind::stack_change);       // mov esp, [eax]
    EXPECT_EQ(flow({0x5C}).kind, FlowKind::stack_change);             // pop esp
    EXPECT_EQ(flow({0x0F, 0xB2, 0x20}).kind, FlowKind::stack_change); // lss esp, [eax]
    EXPECT_EQ(flow({0x83, 0xEC, 0x10}).kind, FlowKind::plain);        // sub esp, 16
    EXPECT_EQ(flow({0x50}).kind, FlowKind::plain);                    // push eax
    EXPECT_EQ(flow({0xC9}).kind, FlowKind::plain);                    // leave
    EXPECT_EQ(flow({0x89, 0xE5}).kind, FlowKind::plain);              // mov ebp, esp
    EXPECT_EQ(flow({0x0F, 0xFF, 0xFF}).kind, FlowKind::plain) << "no instruction";
}

class Kernel : public testing::Test {
protected:
    GuestModule kernel{images / "kernel.elf"};

    uint32_t address_of(std::string_view name) {
        for (uint32_t address = 0xF900'0000; address < 0xF903'0000; ++address)
            if (const GuestModule::Function* function = kernel.function_at(address);
                function != nullptr && function->name == name)
                return address;
        ADD_FAILURE() << name << " is not in the kernel";
        return 0;
    }
};

TEST_F(Kernel, FunctionsHaveNamesExtentsAndDefinitions) {
    const uint32_t begin = address_of("kernel_main");
    const GuestModule::Function& function = *kernel.function_at(begin);
    EXPECT_EQ(kernel.function_at(function.end - 1)->name, "kernel_main");
    EXPECT_NE(kernel.function_at(function.end), &function);
    EXPECT_TRUE(kernel.file_name(function.line.file).ends_with("kernel-model/boot/main.cpp"));
    EXPECT_EQ(kernel.file_name(kernel.line_at(begin).file), kernel.file_name(function.line.file));
    EXPECT_GE(kernel.line_at(begin).number, function.line.number);
}

TEST_F(Kernel, NamesAreAsInTheSource) {
    EXPECT_NE(address_of("kernel::Scheduler::switch_to(kernel::Tcb*)"), 0u);
}

TEST_F(Kernel, LabelsOfAssemblyCodeReachToTheNextOne) {
    const uint32_t entry = address_of("high_half");
    EXPECT_EQ(kernel.function_at(entry + 1)->name, "high_half");
    EXPECT_TRUE(kernel.file_name(kernel.line_at(entry + 16).file).ends_with("entry.S"));
}

TEST_F(Kernel, CodeIsFoundWhereItIsLinkedAndWhereItIsLoaded) {
    const uint32_t linked = address_of("kernel_main"), loaded = linked - 0xF900'0000 + 0x0010'0000;
    EXPECT_EQ(kernel.link_addresses(linked), std::vector{linked});
    EXPECT_EQ(kernel.link_addresses(loaded), std::vector{linked});
    EXPECT_TRUE(kernel.link_addresses(0x0040'0000).empty());
    EXPECT_TRUE(kernel.code_at(0x0040'0000, 16).empty());
}

TEST(GuestModule, AFileThatIsNoElfFileHasNoCode) {
    const GuestModule flat{images / "does-not-exist"};
    EXPECT_TRUE(flat.link_addresses(0x10'0000).empty());
    EXPECT_EQ(flat.function_at(0x10'0000), nullptr);
    EXPECT_EQ(flat.line_at(0x10'0000).number, 0u);
}

// A page of memory as a program's text would fill it.
std::vector<uint8_t> page_of(const GuestModule& module, uint32_t address) {
    std::vector<uint8_t> page(ProfileSites::page_bytes);
    const auto code = module.code_at(address, page.size());
    std::ranges::copy(code, page.begin());
    return page;
}

class CodeMap : public testing::Test {
protected:
    static constexpr uint32_t program_base = 0x0040'0000; // of every workload program
    static constexpr uint32_t in_page = 0x200;

    GuestCodeMap map{
        {images / "kernel.elf", images / "ledger.elf", images / "writer.elf", images / "ledger.elf"}};
};

TEST_F(CodeMap, HasEachFileOnce) {
    EXPECT_EQ(map.modules().size(), 3u);
}

TEST_F(CodeMap, ContentTellsProgramsAtTheSameAddressApart) {
    for (const uint32_t module : {1u, 2u}) {
        const auto page = page_of(map.modules()[module], program_base);
        const auto place = map.identify(program_base + in_page, page);
        EXPECT_EQ(place, (GuestCodeMap::Place{module, program_base + in_page}));
        EXPECT_TRUE(map.agrees(*place, program_base + in_page, page));
        const auto other = page_of(map.modules()[3 - module], program_base);
        EXPECT_FALSE(map.agrees(*place, program_base + in_page, other))
            << "the frame was given to another program";
    }
}

TEST_F(CodeMap, WhatNoModuleHasIsNobodys) {
    const std::vector<uint8_t> page(ProfileSites::page_bytes, 0x90);
    EXPECT_EQ(map.identify(program_base + in_page, page), std::nullopt);
    EXPECT_EQ(map.identify(0x7000'0000, page), std::nullopt);
}

TEST_F(CodeMap, ThePagesRestDecidesWhereTheBytesAreTheSame) {
    // Both programs begin with the same few bytes here; one page is wholly the writer's.
    auto page = page_of(map.modules()[2], program_base);
    const auto ledger = map.modules()[1].code_at(program_base + in_page, 32);
    std::ranges::copy(ledger, page.begin() + in_page);
    EXPECT_EQ(map.identify(program_base + in_page, page), (GuestCodeMap::Place{1, program_base + in_page}))
        << "the bytes that are executed come first";
}

TEST(ProfileSites, AFrameThatIsGivenToAnotherProgramIsNoticed) {
    ProfileSites sites{{images / "ledger.elf", images / "writer.elf"}};
    constexpr uint32_t frame = 0x0080'0000, linear = 0x0040'0200;
    const auto& modules = sites.modules();
    const auto ledger = page_of(modules[0], 0x0040'0000), writer = page_of(modules[1], 0x0040'0000);
    ProfileSites::Page& first = sites.page_of(linear, frame, ledger);
    EXPECT_EQ(first.module, 0u);
    EXPECT_EQ(sites.page_of(linear, frame, writer).module, 1u);
    EXPECT_EQ(&sites.page_of(linear, frame + 0x1000, ledger), &first) << "the same code in another frame";
    const std::vector<uint8_t> other(ProfileSites::page_bytes, 0x90);
    EXPECT_EQ(sites.page_of(linear, frame, other).module, no_module);
}

} // namespace
} // namespace fixpoint::sim
