from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("segl", "0001_first_tables")]

    operations = [
        migrations.AddField(model_name="workitem", name="waits", field=models.PositiveSmallIntegerField(default=0)),
    ]
