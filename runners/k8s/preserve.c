/* How to look at a run that was left up, and how to remove it. */
#include <stdio.h>

#include "k8s/record.h"
#include "shared/record.h"

static void print_line(FILE *out, const char *title, const struct k8s_record *record, struct runner_argv argv,
                       const char *directory)
{
    /* KUBECONFIG: the rest is everybody's. */
    struct runner_env where = { .items = { record->cluster.env.items[0] } };
    fprintf(out, "  %-8s", title);
    runner__print_command(out, &where, &argv);
    if (directory != NULL) {
        fputs(" && rm -rf ", out);
        runner__print_word(out, directory);
    }
    fputc('\n', out);
}

static void print_all(const struct muster_ledger_view *view, const struct k8s_record *record, FILE *out)
{
    const struct k8s_cluster *cluster = &record->cluster;
    char name[K8S_NAME_BYTES];
    k8s__node_name(record->prefix, 0, name);
    fprintf(out, "muster: the run %s was left up in namespace %s\n", view->run_id, record->space);
    print_line(
        out, "look:", record,
        k8s__kubectl(cluster, "get", "all,configmaps", "-n", record->space, "-l", record->selector, NULL),
        NULL);
    print_line(out, "logs:", record,
               k8s__kubectl(cluster, "logs", "-n", record->space, name, "--tail", "100", NULL), NULL);
    print_line(out, "why:", record, k8s__kubectl(cluster, "describe", "pod", "-n", record->space, name, NULL),
               NULL);
    print_line(out, "remove:", record,
               record->owns_space
                   ? k8s__kubectl(cluster, "delete", "namespace", record->space, NULL)
                   : k8s__kubectl(cluster, "delete", "pods,services,configmaps,persistentvolumeclaims", "-n",
                                  record->space, "-l", record->selector, NULL),
               view->directory);
    fflush(out);
}

void k8s__print_preserved(const struct muster_ledger_view *view, FILE *out)
{
    struct k8s_record record;
    if (k8s__record_read(view, &record, NULL) == MUSTER_OK) {
        print_all(view, &record, out);
        k8s__cluster_fini(&record.cluster);
    }
}
