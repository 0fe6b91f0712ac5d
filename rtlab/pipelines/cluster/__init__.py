"""A graph beyond one machine: Dask runs its tasks, Redis is the log, and every commit is fenced."""

from rtlab.pipelines.cluster.backfill import backfill, read_backfill
from rtlab.pipelines.cluster.deployment import Deployment, ShardStatus, deploy
from rtlab.pipelines.cluster.log import Log

__all__ = ["Deployment", "Log", "ShardStatus", "backfill", "deploy", "read_backfill"]
