/* Who dials whom. */
#include "muster/scenario.h"

bool muster_layout_dials(enum muster_layout layout, uint32_t from, uint32_t to)
{
    switch (layout) {
    case MUSTER_STAR:
        return to == 0 && from != 0;
    case MUSTER_CHAIN:
        return from != 0 && to == from - 1;
    case MUSTER_FULL:
        return to < from;
    }
    return false;
}

uint32_t muster_layout_degree(enum muster_layout layout, uint32_t node_count, uint32_t node)
{
    uint32_t others = node_count > 0 ? node_count - 1 : 0;
    if (others == 0 || node > others) {
        return 0;
    }
    switch (layout) {
    case MUSTER_STAR:
        return node == 0 ? others : 1;
    case MUSTER_CHAIN:
        return node == 0 || node == others ? 1 : 2;
    case MUSTER_FULL:
        return others;
    }
    return 0;
}

const char *muster_layout_name(enum muster_layout layout)
{
    switch (layout) {
    case MUSTER_STAR:
        return "star";
    case MUSTER_CHAIN:
        return "chain";
    case MUSTER_FULL:
        return "full";
    }
    return "unknown";
}
