"""Attendance: results with their sentences, corrections, months, the live board, fill rate, suspects."""

from graphql_api.tenant.attendance.reads import AttendanceQuery
from graphql_api.tenant.attendance.writes import AttendanceMutation

__all__ = ["AttendanceMutation", "AttendanceQuery"]
