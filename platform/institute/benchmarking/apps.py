from django.apps import AppConfig


class BenchmarkingConfig(AppConfig):
    name = "institute.benchmarking"
    label = "benchmarking"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "跨校对标"
