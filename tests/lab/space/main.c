/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "space.h"

int main(int argc, char **argv)
{
        bool cloexec;
        int before, after;

        if (argc < 4 || iommuctl_ctx_new(&ctx) < 0) {
                fprintf(stderr, "usage: lab-space type1|iommufd EDU-DEVICE OTHER-DEVICE [--peer]\n");
                return 2;
        }
        backend = streq(argv[1], "type1") ? IOMMUCTL_BACKEND_TYPE1 : IOMMUCTL_BACKEND_IOMMUFD;
        device_name = argv[2];
        other_name = argv[3];
        before = count_fds(&cloexec);
        if (argc > 4) {
                test_peers();
        } else {
                test_ranges();
                test_last_addresses();
                test_files();
                test_dmabufs();
                test_registers();
                if (backend == IOMMUCTL_BACKEND_TYPE1 || kernel_is(6, 19))
                        test_reset_revokes();
                test_copies();
                test_devices_come_and_go();
        }
        after = count_fds(&cloexec);
        CHECK("no descriptor is left over", before == after);
        iommuctl_ctx_unref(ctx);
        printf("1..%u\n", n_tests);
        return n_failed > 0;
}
