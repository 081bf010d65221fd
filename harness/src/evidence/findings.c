#include "evidence/findings.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

void muster__report_init(struct muster_report *report, const char *name)
{
    *report = (struct muster_report){ 0 };
    snprintf(report->name, sizeof report->name, "%s", name);
}

void muster__report_clear(struct muster_report *report)
{
    for (size_t i = 0; i < report->text_count; i++) {
        free(report->texts[i].text);
    }
    report->text_count = 0;
    report->number_count = 0;
}

void muster__report_fini(struct muster_report *report)
{
    muster__report_clear(report);
}

void muster_report_number(struct muster_report *report, const char *name, double value)
{
    struct muster__report_number *number = report->numbers;
    struct muster__report_number *end = number + report->number_count;
    while (number < end && strcmp(number->name, name) != 0) {
        number++;
    }
    if (number == end) {
        if (report->number_count >= MUSTER__REPORT_NUMBERS_MAX) {
            return;
        }
        report->number_count++;
        snprintf(number->name, sizeof number->name, "%s", name);
    }
    number->value = value;
}

void muster_report_text(struct muster_report *report, const char *name, const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    if (report->text_count >= MUSTER__REPORT_TEXTS_MAX) {
        return;
    }
    va_start(arguments, format);
    int bytes = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (bytes < 0) {
        return;
    }
    struct muster__report_text *it = &report->texts[report->text_count++];
    snprintf(it->name, sizeof it->name, "%s", name);
    it->text = text;
}

/* JSON has no infinity and no NaN: write null. Write a whole number without a fraction. */
static json_t *number_to_json(double value)
{
    if (!isfinite(value)) {
        return json_null();
    }
    if (fabs(value) < 1e15 && value == trunc(value)) {
        return json_integer((json_int_t)value);
    }
    return json_real(value);
}

json_t *muster__report_to_json(const struct muster_report *report)
{
    json_t *numbers = json_object();
    json_t *texts = json_object();
    for (size_t i = 0; i < report->number_count; i++) {
        json_object_set_new(numbers, report->numbers[i].name, number_to_json(report->numbers[i].value));
    }
    for (size_t i = 0; i < report->text_count; i++) {
        json_object_set_new(texts, report->texts[i].name, muster__json_text(report->texts[i].text));
    }
    const char *verdict = !report->judged ? "not judged" : report->err.rc == MUSTER_OK ? "pass" : "fail";
    return json_pack("{s:s, s:s, s:o, s:o, s:o}", "name", report->name, "verdict", verdict, "text",
                     muster__json_text(report->err.text), "numbers", numbers, "texts", texts);
}
