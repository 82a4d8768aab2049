/* The S3 service of the tests as a program: merak-s3d PORT BUCKET ACCESS_KEY SECRET_KEY [SEED [DELAY_US [BYTES_PER_SECOND]]].
 * Prints its port, and ends with its standard input. */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "s3/s3_service.h"

int main(int argc, char **argv)
{
    S3Service *service;
    Diag diag = {0};
    char byte;
    if (argc < 5)
        return EXIT_FAILURE;
    S3ServiceOptions options = {.port = (uint16_t)(int)strtol(argv[1], NULL, 10),
                                .bucket = argv[2],
                                .access_key = argv[3],
                                .secret_key = argv[4],
                                .seed = argc > 5 ? strtoull(argv[5], NULL, 10) : 1,
                                .delay_us = argc > 6 ? strtoll(argv[6], NULL, 10) : 0,
                                .bytes_per_second = argc > 7 ? strtoull(argv[7], NULL, 10) : 0};
    if (s3_service_start(&options, &diag, &service) != OK) {
        fprintf(stderr, "%s\n", diag.message);
        return EXIT_FAILURE;
    }
    printf("%u\n", s3_service_port(service));
    fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0)
        ;
    s3_service_stop(service);
    return EXIT_SUCCESS;
}
