"""The cold side: Parquet files by date, channel and instrument, an open Arrow tail, and a manifest that names both.

place       where files lie, and how they appear there whole
schema      the rows, their packing, and a whole book as columns
columns     steps to rows, and back
tail        the open end
files       Parquet files, made aside, committed, read, checked
manifest    what ranges exist, where they end, which gaps are known
writer      one recorder's side of an instrument
reading     readers, without a seam while all of it moves
upkeep      compaction and retention
own         channels of any other columns, without a manifest
own_upkeep  compaction and retention of those
"""
