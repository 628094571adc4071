/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the listing commands are made of, piece by piece: uevent, interrupt controllers, the sink. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"
#include "sink.h"
#include "text.h"
#include "uevent.h"

static void test_uevent(void **state)
{
        char text[] = "DRIVER=nouveau\nPCI_CLASS=30000\nPCI_ID=10DE:2684\nPCI_SUBSYS_ID=1043:88e2\n"
                      "PCI_SLOT_NAME=0000:01:00.0\nMODALIAS=pci:v000010DE=x";
        struct uevent u;

        (void)state;
        uevent_parse(text, strlen(text), &u);
        assert_string_equal(u.driver, "nouveau");
        assert_string_equal(u.pci_slot_name, "0000:01:00.0");
        assert_string_equal(u.modalias, "pci:v000010DE=x");
        assert_true(u.has_class && u.class == 0x030000);
        assert_true(u.has_id && u.vendor == 0x10de && u.device == 0x2684);
        assert_true(u.has_subsystem_id && u.subsystem_vendor == 0x1043 && u.subsystem_device == 0x88e2);
}

static void test_uevent_malformed(void **state)
{
        char text[] =
                "DRIVER=\nDRIVER=first\nDRIVER=second\nPCI_CLASS=1234567\nPCI_ID=10DE\nPCI_ID=1:2\nno line";
        struct uevent u;

        (void)state;
        uevent_parse(text, strlen(text), &u);
        assert_string_equal(u.driver, "first");
        assert_false(u.has_class);
        assert_true(u.has_id && u.vendor == 1 && u.device == 2);
        assert_null(u.modalias);
        uevent_parse(text, 0, &u);
        assert_null(u.driver);
}

static void test_hex(void **state)
{
        uint64_t n = 77;

        (void)state;
        assert_true(hex_parse("0xfee00000", 16, &n) && n == 0xfee00000);
        assert_true(hex_parse("FF", 2, &n) && n == 0xff);
        assert_false(hex_parse("", 4, &n));
        assert_false(hex_parse("0x", 4, &n));
        assert_false(hex_parse("12345", 4, &n));
        assert_false(hex_parse("-1", 4, &n));
        assert_false(hex_parse("1 ", 4, &n));
        assert_int_equal(n, 0xff);
}

static void test_interrupt_controllers(void **state)
{
        (void)state;
        assert_int_equal(irq_chip_remaps("IR-PCI-MSIX-0000:00:01.0"), IOMMUCTL_STATE_ON);
        assert_int_equal(irq_chip_remaps("IR-IO-APIC"), IOMMUCTL_STATE_ON);
        assert_int_equal(irq_chip_remaps("ITS-MSI"), IOMMUCTL_STATE_ON);
        assert_int_equal(irq_chip_remaps("PCI-MSIX-0000:00:01.0"), IOMMUCTL_STATE_OFF);
        assert_int_equal(irq_chip_remaps("IO-APIC"), IOMMUCTL_STATE_OFF);
        assert_int_equal(irq_chip_remaps("GICv2m-PCI-MSI"), IOMMUCTL_STATE_OFF);
        assert_int_equal(irq_chip_remaps("DMAR-MSI"), IOMMUCTL_STATE_UNKNOWN);
        assert_int_equal(irq_chip_remaps("MY-IR-CHIP"), IOMMUCTL_STATE_UNKNOWN);
        assert_int_equal(irq_chip_remaps(""), IOMMUCTL_STATE_UNKNOWN);
}

static void test_text(void **state)
{
        char text[] = "a\033[1m\n\t\302\233\303\244\377z";

        (void)state;
        text_clean(text, sizeof(text) - 1, true);
        assert_string_equal(text, "a?[1m\n\t??\303\244?z");
        text_clean(text, sizeof(text) - 1, false);
        assert_string_equal(text, "a?[1m????\303\244?z");
        assert_true(text_is_utf8("\360\237\230\200"));
        assert_false(text_is_utf8("\355\240\200"));     /* a surrogate */
        assert_false(text_is_utf8("\300\257"));         /* longer than needed */
        assert_false(text_is_utf8("\364\220\200\200")); /* beyond Unicode */
        assert_false(text_is_utf8("\342\202"));
}

static void test_json(void **state)
{
        char *text = NULL;
        size_t size = 0;
        FILE *f = open_memstream(&text, &size);
        struct sink *s = sink_new(f, true, false);

        (void)state;
        sink_begin_document(s);
        sink_string(s, "s\"", "\\ \n\033\377");
        sink_null(s, "n");
        sink_begin_array(s, "a");
        sink_begin_object(s, NULL);
        sink_end_object(s);
        sink_begin_array(s, NULL);
        sink_end_array(s);
        sink_int(s, NULL, -5);
        sink_hex(s, NULL, 0x1f, 4);
        sink_double(s, NULL, 1.5, 3);
        sink_double(s, NULL, (double)NAN, 3);
        sink_end_array(s);
        sink_bool(s, "t", true);
        sink_end_object(s);
        sink_begin_document(s);
        sink_string(s, "lost", "x");
        sink_discard(s);
        sink_begin_document(s);
        sink_end_object(s);
        sink_text(s, "no text");
        assert_int_equal(sink_finish(s), 0);
        sink_free(s);
        fclose(f);
        assert_string_equal(text,
                            "{\"schema_version\":1,\"s\\\"\":\"\\\\ \\n\\u001b\357\277\275\",\"n\":null,"
                            "\"a\":[{},[],-5,\"0x001f\",1.500,null],\"t\":true}\n{\"schema_version\":1}\n");
        free(text);
}

static void test_json_too_deep(void **state)
{
        FILE *f = fopen("/dev/null", "w");
        struct sink *s = sink_new(f, true, false);

        (void)state;
        for (int i = 0; i < 100; i++)
                sink_begin_array(s, NULL);
        for (int i = 0; i < 100; i++)
                sink_end_array(s);
        assert_int_equal(sink_finish(s), -EOVERFLOW);
        sink_free(s);
        fclose(f);
}

static void test_table(void **state)
{
        char *text = NULL, wide[400];
        size_t size = 0;
        FILE *f = open_memstream(&text, &size);
        struct sink *s = sink_new(f, false, false);

        (void)state;
        memset(wide, 'w', sizeof(wide) - 1);
        wide[sizeof(wide) - 1] = '\0';
        sink_cell(s, STYLE_BOLD, "%s", "\303\244b");
        sink_cell(s, STYLE_PLAIN, "%d", 7);
        sink_end_row(s);
        sink_cell(s, STYLE_PLAIN, "long");
        sink_cell(s, STYLE_PLAIN, "%s", wide);
        sink_end_row(s);
        sink_table_end(s);
        assert_int_equal(sink_finish(s), 0);
        sink_free(s);
        fclose(f);
        assert_true(strncmp(text, "\303\244b    7\nlong  www", 18) == 0);
        assert_int_equal(strlen(text), 9 + 6 + sizeof(wide) - 1 + 1);
        free(text);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_uevent),        cmocka_unit_test(test_uevent_malformed),
                cmocka_unit_test(test_hex),           cmocka_unit_test(test_interrupt_controllers),
                cmocka_unit_test(test_text),          cmocka_unit_test(test_json),
                cmocka_unit_test(test_json_too_deep), cmocka_unit_test(test_table),
        };

        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests_name("listing", tests, NULL, NULL);
}
