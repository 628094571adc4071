/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "container.h"

int main(int argc, char **argv)
{
        bool cloexec;
        int before;

        if (argc < 3 || iommuctl_ctx_new(&ctx) < 0) {
                fprintf(stderr, "usage: lab-container type1|iommufd|noiommu EDU-DEVICE|--mock\n");
                return 2;
        }
        backend = streq(argv[1], "type1") ? IOMMUCTL_BACKEND_TYPE1 : IOMMUCTL_BACKEND_IOMMUFD;
        device_name = argv[2];
        if (streq(argv[2], "--take-over"))
                return take_over();
        if (streq(argv[1], "noiommu")) {
                backend = IOMMUCTL_BACKEND_NOIOMMU;
                test_noiommu();
                printf("1..%u\n", n_tests);
                return n_failed > 0;
        }
        before = count_fds(&cloexec);
        if (streq(argv[2], "--mock")) {
                test_dirty_mock();
                printf("1..%u\n", n_tests);
                return n_failed > 0;
        }
        test_options();
        test_capabilities();
        test_dirty();
        test_takeover();
        CHECK("no descriptor is left over", before == count_fds(&cloexec));
        iommuctl_ctx_unref(ctx);
        printf("1..%u\n", n_tests);
        return n_failed > 0;
}
