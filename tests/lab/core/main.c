/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core.h"

int main(int argc, char **argv)
{
        bool cloexec;
        int before, after;

        if (argc < 3 || iommuctl_ctx_new(&ctx) < 0) {
                fprintf(stderr, "usage: lab-core type1|iommufd EDU-DEVICE [OTHER-DEVICE]\n");
                return 2;
        }
        backend = streq(argv[1], "type1") ? IOMMUCTL_BACKEND_TYPE1 : IOMMUCTL_BACKEND_IOMMUFD;
        device_name = argv[2];
        if (streq(argv[2], "--adopt"))
                return adopt();
        other_name = argc > 3 ? argv[3] : NULL;
        before = count_fds(&cloexec);
        test_before_a_device();
        test_container_facts();
        test_overlaps();
        test_live_iovas_are_never_given_out_twice();
        test_refusals();
        test_a_device_at_work();
        test_pool();
        test_mappings_outlive_the_device();
        test_threads();
        test_the_backend_is_chosen();
        test_handover();
        after = count_fds(&cloexec);
        CHECK("no descriptor is left over", before == after);
        iommuctl_ctx_unref(ctx);
        printf("1..%u\n", n_tests);
        return n_failed > 0;
}
