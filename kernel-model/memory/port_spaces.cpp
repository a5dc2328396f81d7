#include "kernel-model/memory/port_spaces.hpp"

#include "kernel-model/arch/cpu.hpp"
#include "kernel-model/arch/layout.hpp"
#include "kernel-model/arch/pages.hpp"
#include "kernel-model/arch/segments.hpp"
#include "kernel-model/memory/address_spaces.hpp"
#include "kernel-model/memory/kernel_memory.hpp"
#include "kernel-model/memory/port_rights.hpp"
#include "kernel-model/thread/scheduler.hpp"
#include "kernel-model/thread/task.hpp"
#include "kernel-model/thread/tcb_array.hpp"

extern "C" uint32_t kernel_directory[];

namespace kernel {

namespace {

constexpr unsigned state_page = 0, map_page = 1, map_pages = 2, stop_page = map_page + map_pages;
static_assert(l4::io_port_count / 8 == map_pages * l4::page_size && port_group_count == l4::page_size);

// Physical addresses; 0: the task shares the map that denies everything.
struct PortSpace {
    uint32_t table, map, parents;
};
constinit PortSpace spaces[l4::task_count] = {};

alignas(l4::page_size) constinit uint32_t common_table[entries_per_table] = {};
alignas(l4::page_size) constinit uint8_t denied_page[l4::page_size] = {};

struct ResidentTables {
    static bool holds_all(unsigned task) { return holds_all_ports(task); }
    static PortTables find(unsigned task);
    static PortTables create(unsigned task);
};
constinit PortRights<ResidentTables> rights;

void deny(void* page) {
    for (unsigned index = 0; index < l4::page_size / 4; ++index)
        static_cast<uint32_t*>(page)[index] = 0xFFFFFFFFu;
}

void fill_table(uint32_t* table, uint32_t map_low, uint32_t map_high) {
    constexpr uint32_t flags = pte::present | pte::writable;
    table[state_page] = page_of(image_to_physical(&task_state)) | flags | global_page_flag();
    table[map_page] = map_low | flags;
    table[map_page + 1] = map_high | flags;
    table[stop_page] = image_to_physical(denied_page) | flags;
}

// The map that the task has from now on.
void enter_table(unsigned task, uint32_t table) {
    const uint32_t directory = task_directory(task);
    window(directory)[directory_index(port_space_base)] = table | pte::present | pte::writable;
    if (directory == scheduler.loaded_directory())
        cpu::write_cr3(directory);
}

PortTables ResidentTables::find(unsigned task) {
    const PortSpace& space = spaces[task];
    if (space.table == 0)
        return {};
    return {window<uint16_t>(space.map), window<uint8_t>(space.parents)};
}

PortTables ResidentTables::create(unsigned task) {
    const PortSpace space{kernel_pool.allocate_page(), kernel_pool.allocate_pair(),
                          kernel_pool.allocate_page()};
    if (space.table == 0 || space.map == 0 || space.parents == 0) {
        if (space.table != 0)
            kernel_pool.release_page(space.table);
        if (space.map != 0)
            kernel_pool.release_pair(space.map);
        if (space.parents != 0)
            kernel_pool.release_page(space.parents);
        return {};
    }
    deny(window(space.map));
    deny(window(space.map + l4::page_size));
    clear_page(window(space.parents));
    clear_page(window(space.table));
    fill_table(window(space.table), space.map, space.map + l4::page_size);
    spaces[task] = space;
    enter_table(task, space.table);
    return find(task);
}

constexpr PortRange every_port{0, l4::io_port_count};

void release(unsigned task) {
    PortSpace& space = spaces[task];
    if (space.table == 0)
        return;
    enter_table(task, image_to_physical(common_table));
    kernel_pool.release_page(space.table);
    kernel_pool.release_pair(space.map);
    kernel_pool.release_page(space.parents);
    space = {};
}

} // namespace

void initialise_port_spaces() {
    deny(denied_page);
    const uint32_t denied = image_to_physical(denied_page);
    fill_table(common_table, denied, denied);
    kernel_directory[directory_index(port_space_base)] =
        image_to_physical(common_table) | pte::present | pte::writable;
}

bool holds_all_ports(unsigned task) {
    return task < tcb_paging.paged_tasks;
}

bool may_use_ports(unsigned task, unsigned port, unsigned count) {
    return port + count <= l4::io_port_count && rights.may_use(task, {port, port + count});
}

bool map_ports(unsigned from_task, l4::IoFpage fpage, unsigned to_task) {
    return rights.map(from_task, ports_of(fpage), to_task, fpage.grant());
}

void unmap_ports(unsigned task, l4::IoFpage fpage, bool own_too) {
    rights.unmap(task, ports_of(fpage), own_too);
}

void destroy_port_space(unsigned task) {
    rights.unmap(task, every_port, true);
    release(task);
}

void forget_port_rights() {
    for (unsigned task = 1; task < l4::task_count; ++task)
        release(task);
}

} // namespace kernel
