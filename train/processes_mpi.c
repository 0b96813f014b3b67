// SPDX-FileCopyrightText: 2026 The continuo authors
// SPDX-License-Identifier: MIT

#include "train/processes.h"

#include <mpi.h>
#include <stdlib.h>

#define PIECE_BYTES ((size_t)4 << 20) // MPI counts in int; a block may be larger

/// A plain start must not pay for MPI, nor depend on its being set up.
static bool launched(void)
{
  return getenv("OMPI_COMM_WORLD_SIZE") || getenv("PMIX_RANK");
}

status processes_open(processes *p, error *err)
{
  int threads = 0;
  *p = PROCESSES_ALONE;
  if (!launched()) {
    return STATUS_OK;
  }
  if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &threads) != MPI_SUCCESS) {
    return error_set(err, STATUS_DEVICE, "MPI does not start");
  }
  MPI_Comm_rank(MPI_COMM_WORLD, &p->rank);
  MPI_Comm_size(MPI_COMM_WORLD, &p->count);
  p->words = calloc((size_t)p->count, sizeof *p->words);
  if (!p->words) { // the others would wait forever
    MPI_Abort(MPI_COMM_WORLD, status_exit_code(STATUS_NO_MEMORY));
    return error_set(err, STATUS_NO_MEMORY, "no memory for %d processes", p->count);
  }
  return STATUS_OK;
}

void processes_close(processes *p)
{
  if (p->words) {
    MPI_Finalize();
  }
  free(p->words);
  *p = PROCESSES_ALONE;
}

/// Gather bytes [at, at + size) of every block. The type's extent is the block, so that MPI finds
/// the pieces of others where they belong.
static void gather_piece(char *all, size_t block_bytes, size_t at, size_t size)
{
  MPI_Datatype bytes, piece;
  MPI_Type_contiguous((int)size, MPI_BYTE, &bytes);
  MPI_Type_create_resized(bytes, 0, (MPI_Aint)block_bytes, &piece);
  MPI_Type_commit(&piece);
  MPI_Allgather(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, all + at, 1, piece, MPI_COMM_WORLD);
  MPI_Type_free(&piece);
  MPI_Type_free(&bytes);
}

void processes_gather(const processes *p, void *all, size_t block_bytes)
{
  for (size_t at = 0; p->count > 1 && at < block_bytes; at += PIECE_BYTES) {
    const size_t left = block_bytes - at;
    gather_piece(all, block_bytes, at, left < PIECE_BYTES ? left : PIECE_BYTES);
  }
}
