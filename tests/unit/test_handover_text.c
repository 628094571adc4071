/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The line that goes along with a device handed to another process. */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "handover_text.h"
#include "iommuctl/dma.h"

static void test_there_and_back(void **state)
{
        struct handover_buffer buffers[] = {
                { .name = "rx", .iova = 0, .size = 0x200000, .page = 0x1000, .access = IOMMUCTL_ACCESS_READ },
                { .name = "tx.0",
                  .iova = 0xfffffffff000,
                  .size = 0x1000,
                  .page = 1 << 30,
                  .access = IOMMUCTL_ACCESS_READ | IOMMUCTL_ACCESS_WRITE },
        };
        struct handover_facts f = { .backend = IOMMUCTL_BACKEND_IOMMUFD,
                                    .ioas = 2,
                                    .devid = UINT32_MAX,
                                    .device = "0000:00:04.0",
                                    .buffers = buffers,
                                    .n_buffers = 2 },
                              g;
        const char *at;
        char *text;

        (void)state;
        assert_int_equal(handover_format(&f, &text), 0);
        assert_int_equal(handover_parse(text, &g, &at), 0);
        assert_true(g.backend == f.backend && g.ioas == 2 && g.devid == UINT32_MAX && g.n_buffers == 2);
        assert_string_equal(g.device, f.device);
        for (size_t i = 0; i < 2; i++) {
                assert_string_equal(g.buffers[i].name, buffers[i].name);
                assert_true(g.buffers[i].iova == buffers[i].iova && g.buffers[i].size == buffers[i].size);
                assert_true(g.buffers[i].page == buffers[i].page && g.buffers[i].access == buffers[i].access);
        }
        free(g.buffers);
        free(text);
}

static void test_unknown_words_are_skipped(void **state)
{
        struct handover_facts g;
        const char *at;

        (void)state;
        assert_int_equal(handover_parse("1 backend=type1 colour=blue group=7 device=d "
                                        "buffer=b,iova=0,shape=round,size=4096,page=4096,access=w",
                                        &g, &at),
                         0);
        assert_true(g.backend == IOMMUCTL_BACKEND_TYPE1 && g.group == 7 && g.n_buffers == 1);
        assert_true(g.buffers[0].access == IOMMUCTL_ACCESS_WRITE && g.buffers[0].iova == 0);
        free(g.buffers);
}

static void test_nonsense(void **state)
{
        static const char *const lines[] = {
                "",
                " ",
                "2 backend=type1 group=1 device=d",
                "1",
                "1 backend=type1 group=1",
                "1 group=1 device=d",
                "1 backend=vfio group=1 device=d",
                "1 backend=type1 group=-1 device=d",
                "1 backend=type1 group=4294967296 device=d",
                "1 backend=type1 group=0x device=d",
                "1 backend=type1 group=99999999999999999999999 device=d",
                "1 backend=type1 group=1 device=d buffer=b",
                "1 backend=type1 group=1 device=d buffer=b,size=1,page=1,access=rw",
                "1 backend=type1 group=1 device=d buffer=b,iova=0,size=0,page=1,access=rw",
                "1 backend=type1 group=1 device=d buffer=b,iova=0,size=1,page=1,access=x",
                "1 backend=type1 group=1 device=d buffer=b,iova=0,size=0xffffffffffffffff,page=1,access=r",
                "1 backend=type1 group=1 device=d buffer=b,iova=0,size=1,page=1,access=r "
                "buffer=b,iova=9,size=1,page=1,access=r",
        };

        (void)state;
        for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
                struct handover_facts g;
                const char *at = NULL;

                assert_int_equal(handover_parse(lines[i], &g, &at), -EPROTO);
                assert_true(at >= lines[i] && at <= lines[i] + strlen(lines[i]));
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_there_and_back),
                cmocka_unit_test(test_unknown_words_are_skipped),
                cmocka_unit_test(test_nonsense),
        };

        return run_unit_tests("handover_text", tests);
}
