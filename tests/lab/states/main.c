/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "states.h"

static int usage(void)
{
        fprintf(stderr, "usage: lab-states hot-reset|hot-reset-refused|migration type1|iommufd DEVICE OTHER\n"
                        "       lab-states claims type1|iommufd DEVICE NATIVE OTHER GROUP-OF-OTHER\n"
                        "       lab-states deaf-link|no-hot-reset|no-migration|power|reset-methods "
                        "type1|iommufd DEVICE\n");
        return 2;
}

int main(int argc, char **argv)
{
        const char *what = argc > 1 ? argv[1] : "";
        bool cloexec;
        int before;

        if (argc < 4 || iommuctl_ctx_new(&ctx) < 0)
                return usage();
        backend = streq(argv[2], "type1") ? IOMMUCTL_BACKEND_TYPE1 : IOMMUCTL_BACKEND_IOMMUFD;
        device_name = argv[3];
        other_name = argc > 4 ? argv[4] : NULL;
        before = count_fds(&cloexec);
        if (streq(what, "hot-reset") && other_name)
                test_hot_reset(other_name, true);
        else if (streq(what, "hot-reset-refused") && other_name)
                test_hot_reset(other_name, false);
        else if (streq(what, "deaf-link"))
                test_deaf_link();
        else if (streq(what, "claims") && argc == 7)
                test_claims(argv[4], argv[5], (unsigned int)strtoul(argv[6], NULL, 10));
        else if (streq(what, "migration") && other_name)
                test_migration(other_name);
        else if (streq(what, "no-migration"))
                test_no_migration();
        else if (streq(what, "power"))
                test_power();
        else if (streq(what, "reset-methods"))
                test_reset_methods();
        else if (streq(what, "no-hot-reset"))
                test_no_hot_reset();
        else
                return usage();
        CHECK("no descriptor is left over", count_fds(&cloexec) == before);
        iommuctl_ctx_unref(ctx);
        printf("1..%u\n", n_tests);
        return n_failed > 0;
}
