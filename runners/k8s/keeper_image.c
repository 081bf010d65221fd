#include "k8s/keeper_image.h"

/* The keeper, as built, is part of this library: so it is at hand wherever a suite runs. */
__asm__(".pushsection .rodata\n"
        ".global k8s__keeper_begin\n"
        "k8s__keeper_begin: .incbin \"" MUSTER_KEEPER_BASE64 "\"\n"
        ".global k8s__keeper_end\n"
        "k8s__keeper_end: .byte 0\n"
        ".popsection\n");

extern const char k8s__keeper_begin[];
extern const char k8s__keeper_end[];

const char *k8s__keeper_base64(size_t *bytes)
{
    *bytes = (size_t)(k8s__keeper_end - k8s__keeper_begin);
    return k8s__keeper_begin;
}
